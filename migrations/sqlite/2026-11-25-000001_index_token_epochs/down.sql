DROP INDEX users_token_epoch;
