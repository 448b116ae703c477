{% test not_null_columns(model, columns) %}
{#- One query for all columns that hold a value in every row. On Athena each query is billed. -#}
select *
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
