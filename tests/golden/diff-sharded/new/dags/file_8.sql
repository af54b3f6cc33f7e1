select 8;
