CREATE TABLE daily_usage (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    day BIGINT NOT NULL,
    messages BIGINT NOT NULL CHECK (messages >= 0),
    plans BIGINT NOT NULL CHECK (plans >= 0),
    characters BIGINT NOT NULL CHECK (characters >= 0),
    PRIMARY KEY (user_id, day)
);
CREATE INDEX daily_usage_day ON daily_usage (day);
COMMENT ON TABLE daily_usage IS 'What a user has used of the plan''s quotas on a day.';
COMMENT ON COLUMN daily_usage.day IS 'days since 1970-01-01, in UTC';
COMMENT ON COLUMN daily_usage.messages IS 'messages to the assistant';
COMMENT ON COLUMN daily_usage.plans IS 'masterplans that were stored';
COMMENT ON COLUMN daily_usage.characters IS 'characters of stored answers and plans';
