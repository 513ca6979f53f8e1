//! One service for the connection's requests and for its upgrade. actix-web would make one for each, and the routes of a
//! service take megabytes.

use std::cell::RefCell;
use std::rc::Rc;

use actix_web::dev::ServiceFactory;
use futures_util::future::{FutureExt as _, LocalBoxFuture};

/// A factory whose clones make one service together, which is then shared.
pub(super) struct Once<F: ServiceFactory<R>, R> {
    factory: Rc<F>,
    made: Rc<RefCell<Option<Rc<F::Service>>>>,
}

impl<F: ServiceFactory<R>, R> Once<F, R> {
    pub(super) fn new(factory: F) -> Self {
        Self { factory: Rc::new(factory), made: Rc::default() }
    }
}

impl<F: ServiceFactory<R>, R> Clone for Once<F, R> {
    fn clone(&self) -> Self {
        Self { factory: self.factory.clone(), made: self.made.clone() }
    }
}

impl<F, R> ServiceFactory<R> for Once<F, R>
where
    F: ServiceFactory<R, Config = ()> + 'static,
    R: 'static,
{
    type Response = F::Response;
    type Error = F::Error;
    type Config = ();
    type Service = Rc<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let Self { factory, made } = self.clone();
        async move {
            let known = made.borrow().clone();
            match known {
                Some(service) => Ok(service),
                None => {
                    let service = Rc::new(factory.new_service(()).await?);
                    // Whoever was quicker decides.
                    Ok(made.borrow_mut().get_or_insert(service).clone())
                }
            }
        }
        .boxed_local()
    }
}
