//! Requests, offers and bookings: the states of the three agree, and a booking is what was offered.

use crate::db::verify::SqlCheck;

pub(super) const CHECKS: &[SqlCheck] = &[
    // A booking that is cancelled after the work has begun leaves the request booked and the offer accepted.
    SqlCheck {
        name: "booked_requests",
        of: "requests",
        faults: "\
            SELECT 'requests' AS in_table, request.id AS id, \
                   'it is ' || request.status || ', and has ' || count(offer.id) || ' accepted offers' AS what \
            FROM requests AS request \
            LEFT JOIN offers AS offer ON offer.request_id = request.id AND offer.status = 'accepted' \
            GROUP BY request.id, request.status \
            HAVING count(offer.id) <> CASE WHEN request.status IN ('booked', 'fulfilled') THEN 1 ELSE 0 END \
            UNION ALL \
            SELECT 'requests', request_id, 'it has ' || count(*) || ' bookings that are not cancelled' \
            FROM bookings WHERE status <> 'cancelled' GROUP BY request_id HAVING count(*) > 1",
    },
    SqlCheck {
        name: "accepted_offers",
        of: "offers",
        faults: "\
            SELECT 'offers' AS in_table, offer.id AS id, 'it is ' || offer.status || ', and has no booking' AS what \
            FROM offers AS offer LEFT JOIN bookings AS booking ON booking.offer_id = offer.id \
            WHERE offer.status IN ('accepted', 'voided') AND booking.id IS NULL \
            UNION ALL \
            SELECT 'offers', offer.id, 'its parties have no session' FROM offers AS offer \
            WHERE NOT EXISTS ( \
                SELECT 1 FROM sessions AS session \
                WHERE session.request_id = offer.request_id AND session.provider_user_id = offer.user_id)",
    },
    SqlCheck {
        name: "live_offers",
        of: "offers",
        faults: "\
            SELECT 'offers' AS in_table, min(id) AS id, \
                   'its provider has ' || count(*) || ' live offers on request ' || request_id AS what \
            FROM offers WHERE status IN ('pending', 'countered') \
            GROUP BY request_id, provider_id HAVING count(*) > 1 \
            UNION ALL \
            SELECT 'offers', offer.id, 'it is ' || offer.status || ', and its request is ' || request.status \
            FROM offers AS offer JOIN requests AS request ON request.id = offer.request_id \
            WHERE offer.status IN ('pending', 'countered') AND request.status <> 'open'",
    },
    SqlCheck {
        name: "bookings",
        of: "bookings",
        faults: "\
            SELECT 'bookings' AS in_table, booking.id AS id, \
                   'it is ' || booking.status || ', and its offer is ' || offer.status AS what \
            FROM bookings AS booking JOIN offers AS offer ON offer.id = booking.offer_id \
            WHERE offer.status NOT IN ('accepted', 'voided') \
               OR (offer.status = 'voided' AND booking.status <> 'cancelled') \
            UNION ALL \
            SELECT 'bookings', booking.id, 'it is ' || booking.status || ', and its request is ' || request.status \
            FROM bookings AS booking JOIN requests AS request ON request.id = booking.request_id \
            WHERE (booking.status IN ('confirmed', 'in_progress') AND request.status <> 'booked') \
               OR (booking.status = 'completed' AND request.status <> 'fulfilled')",
    },
    SqlCheck {
        name: "booking_terms",
        of: "bookings",
        faults: "\
            SELECT 'bookings' AS in_table, booking.id AS id, \
                   'its price is ' || booking.price || ' ' || booking.currency || ', and its offer''s is ' \
                   || offer.price || ' ' || offer.currency AS what \
            FROM bookings AS booking JOIN offers AS offer ON offer.id = booking.offer_id \
            WHERE booking.price <> offer.price OR booking.currency <> offer.currency \
            UNION ALL \
            SELECT 'bookings', booking.id, 'its slot is not that of its offer' \
            FROM bookings AS booking JOIN offers AS offer ON offer.id = booking.offer_id \
            WHERE booking.slot_start <> offer.slot_start OR booking.slot_end <> offer.slot_end \
            UNION ALL \
            SELECT 'bookings', booking.id, 'its request or its parties are not those of its offer' \
            FROM bookings AS booking JOIN offers AS offer ON offer.id = booking.offer_id \
            WHERE booking.request_id <> offer.request_id OR booking.provider_id <> offer.provider_id \
               OR booking.provider_user_id <> offer.user_id OR booking.consumer_user_id <> offer.consumer_user_id",
    },
    SqlCheck {
        name: "calendars",
        of: "bookings",
        faults: "\
            SELECT 'bookings' AS in_table, id, \
                   'it begins before the end of booking ' || earlier || ' of the same provider' AS what \
            FROM ( \
                SELECT id, slot_start, \
                       lag(id) OVER (PARTITION BY provider_id ORDER BY slot_start, id) AS earlier, \
                       lag(slot_end) OVER (PARTITION BY provider_id ORDER BY slot_start, id) AS earlier_end \
                FROM bookings WHERE status IN ('confirmed', 'in_progress') \
            ) AS calendar WHERE earlier_end > slot_start",
    },
    SqlCheck {
        name: "booking_parts",
        of: "bookings",
        faults: "\
            SELECT 'bookings' AS in_table, booking.id AS id, 'its parties have no session' AS what \
            FROM bookings AS booking WHERE NOT EXISTS ( \
                SELECT 1 FROM sessions AS session \
                WHERE session.request_id = booking.request_id AND session.provider_user_id = booking.provider_user_id) \
            UNION ALL \
            SELECT 'bookings', booking.id, 'the session of its parties is not about it' \
            FROM bookings AS booking JOIN sessions AS session \
              ON session.request_id = booking.request_id AND session.provider_user_id = booking.provider_user_id \
            WHERE booking.status <> 'cancelled' \
              AND (session.booking_id IS NULL OR session.booking_id <> booking.id) \
            UNION ALL \
            SELECT 'bookings', booking.id, 'it has no project' FROM bookings AS booking \
            WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.booking_id = booking.id)",
    },
    // Rows name the users of their parties themselves, so that rights are decided without joins.
    SqlCheck {
        name: "parties",
        of: "sessions",
        faults: "\
            SELECT 'requests' AS in_table, request.id AS id, 'its user is not that of its consumer' AS what \
            FROM requests AS request JOIN consumers ON consumers.id = request.consumer_id \
            WHERE consumers.user_id <> request.user_id \
            UNION ALL \
            SELECT 'offers', offer.id, 'its user is not that of its provider' \
            FROM offers AS offer JOIN providers ON providers.id = offer.provider_id \
            WHERE providers.user_id <> offer.user_id \
            UNION ALL \
            SELECT 'offers', offer.id, 'its consumer is not the user of its request' \
            FROM offers AS offer JOIN requests AS request ON request.id = offer.request_id \
            WHERE request.user_id <> offer.consumer_user_id \
            UNION ALL \
            SELECT 'bookings', booking.id, 'its user is not that of its consumer' \
            FROM bookings AS booking JOIN consumers ON consumers.id = booking.consumer_id \
            WHERE consumers.user_id <> booking.consumer_user_id \
            UNION ALL \
            SELECT 'sessions', session.id, 'its consumer is not the user of its request' \
            FROM sessions AS session JOIN requests AS request ON request.id = session.request_id \
            WHERE request.user_id <> session.consumer_user_id",
    },
];
