-- A row is one export of this run: how many lines it has, how many were rejected, and how many events have each field.
-- Work table of one run.
{{ config(materialized='table') }}

select
    exports.export_task_id,
    exports.log_group,
    exports.export_date,
    exports.objects,
    exports.bytes,
    exports.exported_at,
    exports.line_format,
    exports.unreadable_objects,
    count(lines.export_task_id) as lines,
    {% for field in reported_fields() -%}
    count(case when lines.reason is null then lines.{{ field }} end) as {{ field }},
    {% endfor -%}
    count(case when lines.reason is not null then 1 end) as rejected
from {{ ref('batch_exports') }} as exports
left join {{ ref('batch_lines') }} as lines on exports.export_task_id = lines.export_task_id
group by
    exports.export_task_id,
    exports.log_group,
    exports.export_date,
    exports.objects,
    exports.bytes,
    exports.exported_at,
    exports.line_format,
    exports.unreadable_objects
