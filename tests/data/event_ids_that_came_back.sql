-- Record ids (eventId) that were used again after more than dedupe_horizon_days. Each use counts as a separate event.
-- dbt build checks only the days that it changed; dbt test checks all days.
{{ config(severity='warn') }}

select
    event_id,
    count(*) as events,
    min(event_at) as first_at,
    max(event_at) as last_at
from {{ ref('fct_events') }}
where {{ in_days('event_at', tested_days(['fct_events'])) }}
group by event_id
having count(*) > 1
