-- Number of independent runs, what others charge on average (the base price if null), the result as JSON; whose
-- history counts, how many bookings fit into a day and whether further ones are deferred, and what is assumed of the
-- market, as JSON.
ALTER TABLE simulations ADD COLUMN runs INTEGER NOT NULL DEFAULT 1000
    CHECK (typeof(runs) IN ('integer') AND runs BETWEEN 2 AND 10000);
ALTER TABLE simulations ADD COLUMN reference_price BIGINT
    CHECK (typeof(reference_price) IN ('integer', 'null') AND reference_price > 0);
ALTER TABLE simulations ADD COLUMN result TEXT CHECK (length(result) <= 65536);
ALTER TABLE simulations ADD COLUMN latitude DOUBLE CHECK (latitude BETWEEN -90 AND 90);
ALTER TABLE simulations ADD COLUMN longitude DOUBLE CHECK (longitude BETWEEN -180 AND 180);
ALTER TABLE simulations ADD COLUMN radius_km INTEGER CHECK (typeof(radius_km) IN ('integer', 'null') AND radius_km > 0);
ALTER TABLE simulations ADD COLUMN slots_per_day INTEGER
    CHECK (typeof(slots_per_day) IN ('integer', 'null') AND slots_per_day BETWEEN 1 AND 100);
ALTER TABLE simulations ADD COLUMN is_deferred BOOLEAN CHECK (is_deferred IN (TRUE, FALSE));
ALTER TABLE simulations ADD COLUMN assumptions TEXT CHECK (length(assumptions) <= 4096);
CREATE INDEX simulations_daily ON simulations (user_id, created_at);
CREATE INDEX simulations_status ON simulations (status, id);
