{% materialization ledger, default %}
{#- A table that only this project's hooks write to. The model's SQL defines its columns; it runs only if the table does not exist and
    in a full refresh. -#}
    {%- set table = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing and not should_full_refresh() -%}
        {%- do store_raw_result('main', message='KEPT', code='KEPT', rows_affected=0) -%}
    {%- else -%}
        {%- if existing -%}{%- do drop_relation(existing) -%}{%- endif -%}
        {%- do run_query(create_table_as(False, table, compiled_code)) -%}
        {%- do store_raw_result('main', message='CREATED', code='CREATED', rows_affected=0) -%}
        {%- do persist_docs(table, model) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [table]}) }}
{% endmaterialization %}
