//! Money: amounts that are amounts, in currencies that exist.

use diesel::QueryableByName;
use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::db::DbError;
use crate::db::verify::{BATCH, Fault, Verification};
use crate::domain::money::{Currency, PriceRange};

/// Where money is stored: table, and the columns of its lower and upper bound, which are one for a price.
const AMOUNTS: &[(&str, &str, &str, &str)] = &[
    ("money_of_services", "services", "price_min", "price_max"),
    ("money_of_templates", "templates", "price", "price"),
    ("money_of_requests", "requests", "budget_min", "budget_max"),
    ("money_of_offers", "offers", "price", "price"),
    ("money_of_bookings", "bookings", "price", "price"),
    ("money_of_simulations", "simulations", "base_price", "base_price"),
];

#[derive(QueryableByName)]
struct Amount {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    low: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    high: Option<i64>,
    #[diesel(sql_type = Text)]
    currency: String,
}

pub(super) fn verify(verification: &mut Verification<'_, '_>) -> Result<(), DbError> {
    for (name, table, low, high) in AMOUNTS {
        let sql = format!(
            "SELECT id, {low} AS low, {high} AS high, currency FROM {table} WHERE id > $1 ORDER BY id LIMIT $2"
        );
        verification.each(
            name,
            String::new(),
            |uow, after| {
                let page = diesel::sql_query(&sql).bind::<Text, _>(after).bind::<BigInt, _>(BATCH);
                Ok(page.load::<Amount>(uow.conn())?)
            },
            |amount| amount.id.clone(),
            |_, amount| Ok(amount.what_is_wrong().map(|what| Fault::new(table, amount.id, what))),
        )?;
    }
    Ok(())
}

impl Amount {
    fn what_is_wrong(&self) -> Option<String> {
        let Ok(currency) = self.currency.parse::<Currency>() else {
            return Some(format!("its currency {:?} is none", self.currency));
        };
        PriceRange::new(self.low, self.high, currency).err().map(|error| format!("its price {error}"))
    }
}
