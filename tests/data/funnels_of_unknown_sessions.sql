-- Rows of int_sessions__funnels whose session is not in sessions.
{%- set days = tested_days(['sessions', 'int_sessions__funnels']) %}

select
    funnels.session_id,
    funnels.funnel
from {{ ref('int_sessions__funnels') }} as funnels
left join {{ ref('sessions') }} as sessions
    on
        funnels.session_id = sessions.session_id
        and {{ touches_days('sessions', days) }}
where
    sessions.session_id is null
    and {{ touches_days('funnels', days) }}
