{% test not_null_columns(model, columns) %}
-- Rows without a value in one of these columns. One query for all of them, because Athena bills each query.
select {{ columns | join(', ') }}
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
