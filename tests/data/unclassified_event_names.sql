-- Event names of this run's batch that the seed event_catalog does not know. Add a row for each.
{{ config(severity='warn') }}

select
    lines.event_name,
    count(*) as events
from {{ ref('stg_cloudwatch__log_lines') }} as lines
left join {{ ref('event_catalog') }} as catalog on lines.event_name = catalog.event_name
where lines.reason is null and lines.event_name is not null and catalog.event_name is null
group by lines.event_name
order by count(*) desc
