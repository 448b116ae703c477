-- Days whose exports kept more lines than they had: something was counted twice.
select
    event_date,
    log_group,
    lines,
    events,
    rejected
from {{ ref('export_health') }}
where duplicates < 0
