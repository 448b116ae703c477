-- A row is one product on one day that was viewed, put into a cart or bought. Bots are left out.
-- Incremental by day: only days that this run's batch touched are computed again.
{{ config(
    unique_key=['event_date', 'product_id'],
    post_hook="delete from {{ this }} where views = 0 and add_to_carts = 0 and purchases = 0"
) }}
{%- set days = affected_days() %}

with events as (
    select
        {{ local_date('event_at') }} as event_date,
        product_id,
        {{ is_event('product_view', 'fct_events') }} as is_view,
        {{ is_event('add_to_cart', 'fct_events') }} as is_add_to_cart,
        {{ is_event('purchase', 'fct_events') }} as is_purchase
    from {{ ref('fct_events') }} as fct_events
    where
        not is_bot
        and product_id is not null
        and {{ in_days('event_at', days) }}
),

counted as (
    select
        event_date,
        product_id,
        count(case when is_view then 1 end) as views,
        count(case when is_add_to_cart then 1 end) as add_to_carts,
        count(case when is_purchase then 1 end) as purchases
    from events
    where is_view or is_add_to_cart or is_purchase
    group by event_date, product_id
),

rated as (
    select
        *,
        cast(purchases as double) / nullif(views, 0) as purchase_rate
    from counted
)

select * from rated
{{ and_vanished(
    'rated', ['event_date', 'product_id'], ['views', 'add_to_carts', 'purchases'],
    in_dates('existing.event_date', days)
) }}
