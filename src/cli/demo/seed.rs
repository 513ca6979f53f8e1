//! Creates the sample marketplace through the domain's use cases.

use std::time::Duration;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::entries::{self, Content};
use crate::domain::money::{Currency, Money, PriceRange};
use crate::domain::offers::{self, NewOffer, Offer};
use crate::domain::place::{Place, Point};
use crate::domain::providers::{
    self, Caption, Categories, Photo, Position, ProfileChanges, Service, ServiceArea, ServiceDuration,
    ServicePrice, Template,
};
use crate::domain::requests::{self, NewRequest, Opening, RequestDetails};
use crate::domain::sessions::{self, ClientMsgId, MessageText, SendMessage};
use crate::domain::slot::Slot;
use crate::domain::text::{MultiLine, SingleLine};
use crate::domain::{bookings, users};
use crate::ids::{Category, RequestId, SessionId};

use super::Failed;
use super::marketplace::{Booked, Demo, OpenOffer, OpenRequest};
use super::users::{Cast, Person, act};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Fills an empty marketplace.
pub(super) async fn set_up(app: &App) -> Result<Demo, Failed> {
    let cast = super::users::assemble(app).await?;
    play(app, cast).await
}

/// Creates the sample data for these users, in chronological order.
pub(super) async fn play(app: &App, cast: Cast) -> Result<Demo, Failed> {
    let Cast { mut ana, mut dora, mut ben, mut cleo, root, mut eve, mut mallory } = cast;
    furnish(app, &mut ben, "Ben paints", "Walls, ceilings, window frames.").await?;
    furnish(app, &mut cleo, "Cleo & Daughters", "Painting since 1987, now with the third generation.")
        .await?;
    let open_request = ask_for_painting(app, &mut ana, &mut ben, &mut cleo).await?;
    confide(app, &mut ana).await?;
    let booking = book_a_fence(app, &mut dora, &mut ben).await?;
    for person in [&mut eve, &mut mallory] {
        let id = person.id;
        let reason = SingleLine::parse("reported by several people")?;
        act(app, &root, move |uow, scope| users::service::suspend(uow, scope, id, &reason)).await?;
        person.is_active = false;
    }
    Ok(Demo { users: vec![ana, dora, ben, cleo, root, eve, mallory], open_request, booking })
}

/// Fills a provider's profile and catalogue.
async fn furnish(app: &App, owner: &mut Person, name: &str, bio: &str) -> Result<(), Failed> {
    let shop = owner.owns.provider_id.ok_or("a provider has a shop")?;
    let painting: Category = "painting".parse()?;
    let lisbon = Point::new(38.72, -9.14)?;
    let profile = ProfileChanges {
        display_name: Some(SingleLine::parse(name)?),
        bio: Some(MultiLine::parse(bio)?),
        categories: Some(Categories::new([painting.clone()])?),
        service_area: Some(Some(ServiceArea::new(lisbon, 25.0)?)),
    };
    let service = Service {
        name: SingleLine::parse("A room, walls and ceiling")?,
        category: painting,
        description: MultiLine::parse("Two coats, furniture covered, swept when done.")?,
        price: ServicePrice::new(25000, 60000, euro()?)?,
        duration: ServiceDuration::from_minutes(8 * 60)?,
    };
    let template = Template {
        title: SingleLine::parse("The usual")?,
        message: MultiLine::parse("I can do that. Paint included, furniture moved.")?,
        price: Money::new(40000, euro()?)?,
    };
    let photo = Photo { caption: Caption::parse("A kitchen in Alfama")?, position: Position::new(0)? };
    let (service, template, photo) = act(app, owner, move |uow, scope| {
        providers::edit(uow, scope, shop, &profile, None)?;
        let service = providers::add(uow, scope, shop, &service)?.id;
        let template = providers::add(uow, scope, shop, &template)?.id;
        Ok((service, template, providers::add(uow, scope, shop, &photo)?.id))
    })
    .await?;
    owner.owns.service_ids.push(service);
    owner.owns.template_ids.push(template);
    owner.owns.photo_ids.push(photo);
    Ok(())
}

/// An open request with two offers for Ana to choose from.
async fn ask_for_painting(
    app: &App,
    ana: &mut Person,
    ben: &mut Person,
    cleo: &mut Person,
) -> Result<OpenRequest, Failed> {
    let request =
        create_request(app, ana, "Paint the living room", "About 30 m², white, high ceiling.").await?;
    let first = bid(app, ben, ana, request, 42000, "Saturday, paint included.", 3).await?;
    let second = bid(app, cleo, ana, request, 38000, "Two of us, done in a day.", 4).await?;
    send_message(app, ana, first.session_id, "demo-1", "Does that include the ceiling?").await?;
    send_message(app, ben, first.session_id, "demo-2", "It does.").await?;
    let offers = [first, second].map(|offer| OpenOffer {
        id: offer.id,
        version: offer.version,
        session_id: offer.session_id,
    });
    Ok(OpenRequest { id: request, offers: offers.into() })
}

/// A private journal entry of Ana's.
async fn confide(app: &App, ana: &mut Person) -> Result<(), Failed> {
    let text = "Two offers within the hour. Ben is dearer, but he answers what I ask. I will sleep on it.";
    let new = Content { title: Some(SingleLine::parse("White, or nearly")?), text: MultiLine::parse(text)? };
    let journal = app.journal.clone();
    let entry = act(app, ana, move |uow, scope| entries::create(uow, &journal, scope, &new)).await?;
    ana.owns.entry_ids.push(entry.id);
    Ok(())
}

/// A booking, with its chat session and project.
async fn book_a_fence(app: &App, dora: &mut Person, ben: &mut Person) -> Result<Booked, Failed> {
    let request = create_request(app, dora, "Paint the garden fence", "20 m, green, twice.").await?;
    let offer = bid(app, ben, dora, request, 30000, "With weatherproof paint.", 6).await?;
    let (id, version) = (offer.id, offer.version);
    let accepted = act(app, dora, move |uow, scope| offers::accept(uow, scope, id, version)).await?;
    let booking = accepted.booking_id.ok_or("an accepted offer has a booking")?;
    let booking =
        act(app, dora, move |uow, scope| Ok(bookings::find(uow, scope, booking)?.into_row())).await?;
    send_message(app, dora, booking.session_id, "demo-3", "The gate is open from eight.").await?;
    if let Some(project) = booking.project_id {
        super::board::plan(app, dora, ben, project).await?;
    }
    for party in [dora, ben] {
        party.owns.booking_ids.push(booking.id);
        party.owns.project_ids.extend(booking.project_id);
    }
    Ok(Booked {
        id: booking.id,
        request_id: request,
        offer_id: offer.id,
        session_id: booking.session_id,
        project_id: booking.project_id,
    })
}

async fn create_request(
    app: &App,
    consumer: &mut Person,
    title: &str,
    description: &str,
) -> Result<RequestId, Failed> {
    let new = NewRequest {
        details: RequestDetails {
            category: "painting".parse()?,
            title: SingleLine::parse(title)?,
            description: MultiLine::parse(description)?,
            budget: PriceRange::new(Some(20000), Some(50000), euro()?)?,
            place: Place {
                address: Some(SingleLine::parse("Rua da Bica 12, Lisboa")?),
                point: Some(Point::new(38.7106, -9.1466)?),
            },
            wanted_at: Some(days_ahead(app, 3)),
        },
        opening: Opening::Open(None),
    };
    let request = act(app, consumer, move |uow, scope| requests::create(uow, scope, &new)).await?;
    consumer.owns.request_ids.push(request.id);
    Ok(request.id)
}

async fn bid(
    app: &App,
    provider: &mut Person,
    consumer: &mut Person,
    request: RequestId,
    cents: i64,
    message: &str,
    in_days: u32,
) -> Result<Offer, Failed> {
    let start = days_ahead(app, in_days);
    let new = NewOffer {
        price: Money::new(cents, euro()?)?,
        message: MultiLine::parse(message)?,
        slot: Slot::new(start, start.plus(8 * HOUR))?,
        valid_until: None,
    };
    let offer = act(app, provider, move |uow, scope| offers::submit(uow, scope, request, &new)).await?;
    provider.owns.offer_ids.push(offer.id);
    for party in [provider, consumer] {
        party.owns.session_ids.push(offer.session_id);
    }
    Ok(offer)
}

async fn send_message(
    app: &App,
    who: &Person,
    session: SessionId,
    name: &str,
    text: &str,
) -> Result<(), Failed> {
    let command =
        SendMessage { session, client_msg_id: ClientMsgId::parse(name)?, text: MessageText::parse(text)? };
    act(app, who, move |uow, scope| sessions::send_message(uow, scope, &command)).await?;
    Ok(())
}

fn days_ahead(app: &App, days: u32) -> Timestamp {
    app.clock.now().plus(days * DAY)
}

fn euro() -> Result<Currency, Failed> {
    Ok("EUR".parse()?)
}
