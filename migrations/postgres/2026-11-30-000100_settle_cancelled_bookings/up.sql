-- Bookings that were cancelled after the work had started used to leave their request booked and their offer accepted
-- for ever. As from now on: the offer is voided, the request cancelled.
UPDATE offers SET status = 'voided', version = version + 1
WHERE status = 'accepted' AND id IN (SELECT offer_id FROM bookings WHERE status = 'cancelled');

UPDATE requests SET status = 'cancelled', version = version + 1
WHERE status = 'booked'
    AND id IN (SELECT request_id FROM bookings WHERE status = 'cancelled')
    AND id NOT IN (SELECT request_id FROM bookings WHERE status <> 'cancelled');

-- The sweeper asks for what suspended users have left open.
CREATE INDEX users_active ON users (is_active);
CREATE INDEX requests_user_status ON requests (user_id, status);
CREATE INDEX offers_user_status ON offers (user_id, status);
