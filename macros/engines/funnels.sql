{% macro steps_in_order(step_number, time, tiebreak) %}
{#- How many of the steps 1, 2, 3 ... a group of events took in this order, whatever happened in between. An event that is several
    steps has a row for each, but takes only one step, because its rows are ordered from the highest step down. -#}
    {{ return(adapter.dispatch('steps_in_order')(step_number, time, tiebreak)) }}
{% endmacro %}

{% macro default__steps_in_order(step_number, time, tiebreak) -%}
    reduce(
        array_agg({{ step_number }} order by {{ time }} asc, {{ tiebreak }} asc, {{ step_number }} desc),
        0,
        (reached, step) -> if(step = reached + 1, step, reached),
        reached -> reached
    )
{%- endmacro %}

{% macro duckdb__steps_in_order(step_number, time, tiebreak) -%}
    list_reduce(
        array_agg({{ step_number }} order by {{ time }} asc, {{ tiebreak }} asc, {{ step_number }} desc),
        lambda reached, step: case when step = reached + 1 then step else reached end,
        0
    )
{%- endmacro %}
