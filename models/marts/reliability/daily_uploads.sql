-- A row is one day with an upload: how many were requested, completed and rejected. Bots are included.
{{ config(unique_key=['event_date'], **gone_when_null('uploads_requested')) }}

with counted as (
    select
        event_date,
        count(case when meaning = 'upload_requested' then 1 end) as uploads_requested,
        count(case when meaning = 'upload_completed' then 1 end) as uploads_completed,
        count(case when meaning = 'upload_rejected' then 1 end) as uploads_rejected
    from {{ ref('int_events') }}
    where meaning in ('upload_requested', 'upload_completed', 'upload_rejected') and {{ in_affected_days() }}
    group by event_date
)

select * from counted
{{ gone_rows() }}
