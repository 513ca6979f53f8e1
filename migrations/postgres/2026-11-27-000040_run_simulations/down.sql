DROP INDEX simulations_status;
ALTER TABLE simulations DROP COLUMN result;
ALTER TABLE simulations DROP COLUMN reference_price;
ALTER TABLE simulations DROP COLUMN runs;
