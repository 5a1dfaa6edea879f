//! One method per endpoint.

use parlor::domain::ids::UserId;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Opening, Site};

/// Somebody who calls the server.
#[derive(Clone)]
pub struct Client {
    site: Site,
    http: reqwest::Client,
    token: Option<String>,
}

impl Client {
    /// Somebody with this token, or without one.
    pub fn new(site: Site, http: reqwest::Client, token: Option<String>) -> Self {
        Self { site, http, token }
    }

    /// A request that is sent by [`answer`](Self::answer).
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.site.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn answer(&self, request: RequestBuilder) -> Answer {
        let request = request.timeout(super::LIMIT).build().expect("a request");
        let what = format!("{} {}", request.method(), request.url());
        let response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(error) => panic!("{what}: {error:?}"),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("the whole body");
        Answer::new(what, status, headers, body)
    }

    /// Sends a request without a body.
    pub async fn call(&self, method: Method, path: &str) -> Answer {
        self.answer(self.request(method, path)).await
    }

    /// Sends a request with a JSON body.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.answer(self.request(method, path).json(body)).await
    }

    /// `GET` anything.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).await
    }

    /// `POST` JSON to anything.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// `POST /api/auth/register`
    pub async fn register(&self, body: &Value) -> Answer {
        self.post("/api/auth/register", body).await
    }

    /// `POST /api/auth/login`
    pub async fn login(&self, body: &Value) -> Answer {
        self.post("/api/auth/login", body).await
    }

    /// `POST /api/auth/refresh`
    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        let body = json!({"refresh_token": refresh_token});
        self.post("/api/auth/refresh", &body).await
    }

    /// `POST /api/auth/logout`, this login alone.
    pub async fn logout(&self) -> Answer {
        self.call(Method::POST, "/api/auth/logout").await
    }

    /// `POST /api/auth/logout?everywhere=true`
    pub async fn logout_everywhere(&self) -> Answer {
        self.call(Method::POST, "/api/auth/logout?everywhere=true")
            .await
    }

    /// `POST /api/auth/validate`
    pub async fn validate(&self, token: &str) -> Answer {
        self.post("/api/auth/validate", &json!({"token": token}))
            .await
    }

    /// `POST /api/users`
    pub async fn create_user(&self, body: &Value) -> Answer {
        self.post("/api/users", body).await
    }

    /// `GET /api/users` with a query as it stands in the address.
    pub async fn list_users(&self, query: &str) -> Answer {
        self.get(&format!("/api/users?{query}")).await
    }

    /// `GET /api/users` with values that are encoded here.
    pub async fn find_users(&self, query: &[(&str, &str)]) -> Answer {
        self.answer(self.request(Method::GET, "/api/users").query(query))
            .await
    }

    /// `GET /api/users/role/{role}`
    pub async fn users_with_role(&self, role: &str) -> Answer {
        self.get(&format!("/api/users/role/{role}")).await
    }

    /// `GET /api/users/statistics`
    pub async fn statistics(&self) -> Answer {
        self.get("/api/users/statistics").await
    }

    /// `GET /api/users/me`
    pub async fn me(&self) -> Answer {
        self.get("/api/users/me").await
    }

    /// `GET /api/users/{id}`
    pub async fn user(&self, id: UserId) -> Answer {
        self.get(&format!("/api/users/{id}")).await
    }

    /// `PATCH /api/users/{id}`
    pub async fn update_user(&self, id: UserId, body: &Value) -> Answer {
        self.send(Method::PATCH, &format!("/api/users/{id}"), body)
            .await
    }

    /// `PATCH /api/users/{id}`: switches the account off.
    pub async fn deactivate(&self, id: UserId) -> Answer {
        self.update_user(id, &json!({"active": false})).await
    }

    /// `DELETE /api/users/{id}`
    pub async fn delete_user(&self, id: UserId) -> Answer {
        self.call(Method::DELETE, &format!("/api/users/{id}")).await
    }

    /// `GET /api/chat/rooms`
    pub async fn rooms(&self) -> Answer {
        self.get("/api/chat/rooms").await
    }

    /// `POST /api/chat/rooms`
    pub async fn create_room(&self, body: &Value) -> Answer {
        self.post("/api/chat/rooms", body).await
    }

    /// `GET /api/chat/rooms/{room}`
    pub async fn room(&self, room: &str) -> Answer {
        self.get(&format!("/api/chat/rooms/{room}")).await
    }

    /// `GET /api/chat/rooms/{room}/members`
    pub async fn members(&self, room: &str) -> Answer {
        self.get(&format!("/api/chat/rooms/{room}/members")).await
    }

    /// `GET /api/chat/rooms/{room}/messages`
    pub async fn messages(&self, room: &str, query: &str) -> Answer {
        self.get(&format!("/api/chat/rooms/{room}/messages?{query}"))
            .await
    }

    /// `PUT /api/chat/rooms/{room}/read`
    pub async fn mark_read(&self, room: &str, body: &Value) -> Answer {
        self.send(Method::PUT, &format!("/api/chat/rooms/{room}/read"), body)
            .await
    }

    /// `POST /api/chat/rooms/{room}/messages`
    pub async fn post_message(&self, room: &str, body: &Value) -> Answer {
        self.post(&format!("/api/chat/rooms/{room}/messages"), body)
            .await
    }

    /// Posts a message that must be accepted.
    pub async fn say(&self, room: &str, content: &str) -> Value {
        self.post_message(room, &json!({"content": content}))
            .await
            .ok(201)
    }

    /// `GET /metrics`, as text.
    pub async fn metrics(&self) -> String {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status(), 200, "{answer}");
        answer.text().to_owned()
    }

    /// One number of `/metrics`, by its name with the labels; 0 if it is not there yet.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.metrics().await;
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// Tries to open a socket; 101 if it was.
    pub async fn try_ws(&self) -> Answer {
        let opening = Opening::new(self.site.clone());
        match &self.token {
            Some(token) => opening.token(token).answer().await,
            None => opening.answer().await,
        }
    }
}
