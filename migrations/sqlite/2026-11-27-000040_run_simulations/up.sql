-- Number of independent runs, what others charge on average (the base price if null), and the result as JSON.
ALTER TABLE simulations ADD COLUMN runs INTEGER NOT NULL DEFAULT 1000
    CHECK (typeof(runs) IN ('integer') AND runs BETWEEN 2 AND 10000);
ALTER TABLE simulations ADD COLUMN reference_price BIGINT
    CHECK (typeof(reference_price) IN ('integer', 'null') AND reference_price > 0);
ALTER TABLE simulations ADD COLUMN result TEXT CHECK (length(result) <= 65536);
CREATE INDEX simulations_status ON simulations (status, id);
