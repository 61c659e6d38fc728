-- mail: a letter holds a sealed word where it will have the key to a booking (kit/tokens). Those from before, which have gone out, lose theirs here;
-- one that is still to go, or may be sent again, has to keep it.
UPDATE mail_outbox SET
    text_body = regexp_replace(text_body, '/manage/([A-Z0-9]{6})/[A-Za-z0-9_-]{32}', '/manage/\1/(not kept)', 'g'),
    html_body = regexp_replace(html_body, '/manage/([A-Z0-9]{6})/[A-Za-z0-9_-]{32}', '/manage/\1/(not kept)', 'g')
WHERE state = 'sent' AND (text_body LIKE '%/manage/%' OR html_body LIKE '%/manage/%');
