-- Exports of this run with log objects, but without a line: the objects are gone, or in a storage class that Athena passes over
-- without an error (Glacier). dbt build then stops before it loads anything, so a full refresh cannot lose what is archived.
with read_exports as (
    select distinct export_task_id from {{ ref('stg_cloudwatch__log_lines') }}
),

exports as (
    select * from {{ ref('stg_cloudwatch__exports') }}
    where line_format = 'cloudwatch' and objects > unreadable_objects
)

select
    exports.export_task_id,
    exports.log_group,
    exports.export_date,
    exports.objects,
    exports.bytes
from exports
left join read_exports on exports.export_task_id = read_exports.export_task_id
where read_exports.export_task_id is null
