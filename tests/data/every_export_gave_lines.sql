-- Exports of this run that have log objects but gave no lines: the objects are gone, or in a storage class that Athena skips
-- without an error (Glacier). dbt build then stops before it loads anything, so a full refresh cannot lose archived lines.
with read_exports as (
    select distinct export_task_id from {{ ref('batch_lines') }}
)

select
    exports.export_task_id,
    exports.log_group,
    exports.export_date,
    exports.objects,
    exports.bytes
from {{ ref('batch_exports') }} as exports
left join read_exports on exports.export_task_id = read_exports.export_task_id
where
    exports.line_format = 'cloudwatch'
    and exports.objects > exports.unreadable_objects
    and read_exports.export_task_id is null
