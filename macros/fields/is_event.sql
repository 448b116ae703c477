{% macro is_event(meaning, event='') %}
{#- Whether the seed event_catalog says that an event means this: a row whose non-blank columns all fit the event's. -#}
    {%- set event = event ~ '.' if event else '' -%}
    exists (
        select 1
        from {{ ref('event_catalog') }} as catalog
        where
            catalog.meaning = '{{ meaning }}'
            and (catalog.event_name is null or catalog.event_name = {{ event }}event_name)
            and (catalog.status_code is null or catalog.status_code = {{ event }}status_code)
            and (catalog.route is null or catalog.route = {{ event }}route)
    )
{%- endmacro %}
