//! Routes and what the document says of them, given in one step: neither is there without the
//! other.

mod document;
pub mod examples;
mod operation;
mod refusals;

use actix_web::{FromRequest, Handler, Responder, Route, guard, http::Method, web};

pub use document::document;
pub use operation::{Operation, Tag};

/// Every route that programs use, in the order in which they are tried.
#[derive(Default)]
pub struct Api {
    resources: Vec<Resource>,
}

/// One path and what may be done there.
pub struct Resource {
    path: &'static str,
    endpoints: Vec<Endpoint>,
}

struct Endpoint {
    method: Method,
    route: Route,
    declare: fn() -> Operation,
}

/// Begins the description of a path, such as `/api/users/{id}`.
pub fn at(path: &'static str) -> Resource {
    Resource {
        path,
        endpoints: Vec::new(),
    }
}

impl Api {
    /// Adds a path. One that an earlier one also matches is never reached.
    pub fn add(&mut self, resource: Resource) -> &mut Self {
        self.resources.push(resource);
        self
    }

    /// Lets the application answer all of it.
    pub fn register(self, app: &mut web::ServiceConfig) {
        for Resource { path, endpoints } in self.resources {
            let routes = endpoints.into_iter().map(|endpoint| endpoint.route);
            app.service(routes.fold(web::resource(path), actix_web::Resource::route));
        }
    }
}

impl Resource {
    /// `GET`, and `HEAD`, which asks for the same without the body.
    pub fn get<F, Args>(self, handler: F, declare: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        self.endpoint(Method::GET, route.to(handler), declare)
    }

    /// `POST`.
    pub fn post<F, Args>(self, handler: F, declare: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.endpoint(Method::POST, web::post().to(handler), declare)
    }

    /// `PUT`.
    pub fn put<F, Args>(self, handler: F, declare: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.endpoint(Method::PUT, web::put().to(handler), declare)
    }

    /// `PATCH`.
    pub fn patch<F, Args>(self, handler: F, declare: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.endpoint(Method::PATCH, web::patch().to(handler), declare)
    }

    /// `DELETE`.
    pub fn delete<F, Args>(self, handler: F, declare: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.endpoint(Method::DELETE, web::delete().to(handler), declare)
    }

    fn endpoint(mut self, method: Method, route: Route, declare: fn() -> Operation) -> Self {
        self.endpoints.push(Endpoint {
            method,
            route,
            declare,
        });
        self
    }
}
