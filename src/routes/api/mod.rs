//! Routes and what the document says of them, given in one step: neither is there without the
//! other.

mod document;
pub mod examples;
mod operation;
mod refusals;

use actix_web::{FromRequest, Handler, Responder, Route, Scope, guard, http::Method, web};
use indexmap::IndexMap;

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
    ///
    /// Paths that begin alike go together: each one with a parameter is a regular expression, and so
    /// only those are tried that may fit.
    pub fn register(self, app: &mut web::ServiceConfig) {
        let mut scopes: IndexMap<&str, Scope> = IndexMap::new();
        for Resource { path, endpoints } in self.resources {
            let (beginning, rest) = split(path);
            let routes = endpoints.into_iter().map(|endpoint| endpoint.route);
            let resource = routes.fold(web::resource(rest), actix_web::Resource::route);
            let scope = scopes
                .swap_remove(beginning)
                .unwrap_or_else(|| web::scope(beginning));
            scopes.insert(beginning, scope.service(resource));
        }
        for scope in scopes.into_values() {
            app.service(scope);
        }
    }
}

/// The first segment of a path, of the API's the first two, and the rest.
fn split(path: &'static str) -> (&'static str, &'static str) {
    let segments = if path.starts_with("/api/") { 2 } else { 1 };
    let end = path.match_indices('/').nth(segments);
    path.split_at(end.map_or(path.len(), |(end, _)| end))
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
