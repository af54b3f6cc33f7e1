-- fermata: silence secret
select 'https://user:not-a-password@example.com' as example;
