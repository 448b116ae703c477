-- Steps of seeds/funnels.csv whose event has never been logged. The API may use another name for it.
{{ config(severity='warn') }}

select
    funnels.funnel,
    funnels.step_number,
    funnels.event_name
from {{ ref('funnels') }} as funnels
left join {{ ref('daily_events') }} as happened on funnels.event_name = happened.event_name
where happened.event_name is null
