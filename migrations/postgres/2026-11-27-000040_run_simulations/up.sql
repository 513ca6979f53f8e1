ALTER TABLE simulations ADD COLUMN runs INTEGER NOT NULL DEFAULT 1000 CHECK (runs BETWEEN 2 AND 10000);
ALTER TABLE simulations ADD COLUMN reference_price BIGINT CHECK (reference_price > 0);
ALTER TABLE simulations ADD COLUMN result TEXT COLLATE "C" CHECK (length(result) <= 65536);
CREATE INDEX simulations_status ON simulations (status, id);
COMMENT ON COLUMN simulations.runs IS 'number of independent runs';
COMMENT ON COLUMN simulations.reference_price IS 'what others charge on average: minor units; the base price if null';
COMMENT ON COLUMN simulations.result IS 'what it brought: JSON; null unless it is done';
