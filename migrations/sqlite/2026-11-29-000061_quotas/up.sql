-- What a user has used of the plan's quotas on a day, which is counted in UTC from 1970-01-01.
CREATE TABLE daily_usage (
    user_id TEXT NOT NULL REFERENCES users (id),
    day BIGINT NOT NULL,
    messages BIGINT NOT NULL CHECK (messages >= 0),
    plans BIGINT NOT NULL CHECK (plans >= 0),
    characters BIGINT NOT NULL CHECK (characters >= 0),
    PRIMARY KEY (user_id, day),
    CHECK (typeof(day) IN ('integer')),
    CHECK (typeof(messages) IN ('integer')),
    CHECK (typeof(plans) IN ('integer')),
    CHECK (typeof(characters) IN ('integer'))
);
CREATE INDEX daily_usage_day ON daily_usage (day);
