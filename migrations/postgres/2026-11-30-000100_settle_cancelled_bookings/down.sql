-- What was settled stays settled.
DROP INDEX offers_user_status;
DROP INDEX requests_user_status;
DROP INDEX users_active;
