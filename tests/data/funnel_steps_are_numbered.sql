-- Funnels whose steps are not numbered 1, 2, 3 ...: nobody could go through them.
select
    funnel,
    min(step_number) as first_step,
    max(step_number) as last_step,
    count(*) as steps
from {{ ref('funnels') }}
group by funnel
having min(step_number) <> 1 or max(step_number) <> count(*)
