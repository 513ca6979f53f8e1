-- Whose tokens were made void lately, for servers that look whether another process did that.
CREATE INDEX users_token_epoch ON users (token_epoch);
