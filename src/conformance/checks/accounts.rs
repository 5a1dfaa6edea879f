//! What is taken back acts on sockets that are open.

use serde_json::json;

use super::{Checked, Stage};
use crate::{
    conformance::{
        cast::{User, register},
        report::Stop,
        stage::LIMIT,
    },
    protocol::code::CloseCode,
};

pub async fn logout(stage: &Stage) -> Checked {
    let (user, password) = stage.made(0)?;
    let body = json!({"username": user.username, "password": password});
    let login = stage.told(None, ("POST", "/api/auth/login"), Some(&body), 200);
    let login = login.await?;
    let other = User {
        id: user.id.clone(),
        username: user.username.clone(),
        token: login["token"].as_str().unwrap_or_default().to_owned(),
        lasts: None,
        made_with: None,
    };
    let mut stays = stage.joined(user).await?;
    let mut goes = stage.joined(&other).await?;
    let logout = ("POST", "/api/auth/logout");
    stage.told(Some(&other), logout, None, 204).await?;
    goes.closed_as(CloseCode::BadToken, LIMIT).await?;
    stays.until_pong().await?;
    stage
        .told(Some(&other), ("GET", "/api/users/me"), None, 401)
        .await?;
    Ok("the login's socket is closed, the other login's is not".to_owned())
}

pub async fn deleted(stage: &Stage) -> Checked {
    stage.made(0)?;
    let extra = register(stage)
        .await
        .map_err(|error| Stop::Skipped(format!("nobody can be registered: {error:#}")))?;
    let mut member = stage.joined(&extra).await?;
    let path = format!("/api/users/{}", extra.id);
    stage
        .told(Some(&extra), ("DELETE", &path), None, 204)
        .await?;
    member.closed_as(CloseCode::AccountClosed, LIMIT).await?;
    stage
        .told(Some(&extra), ("GET", "/api/users/me"), None, 401)
        .await?;
    Ok("the socket is closed and the token is worth nothing".to_owned())
}

pub async fn expiry(stage: &Stage) -> Checked {
    let (user, password) = stage.made(0)?;
    let lasts = user.lasts.unwrap_or_default();
    if lasts.is_zero() || lasts > stage.patience {
        let (lasts, patience) = (lasts.as_secs(), stage.patience.as_secs());
        return Err(Stop::Skipped(format!(
            "tokens last {lasts} s, and --patience is {patience}"
        )));
    }
    let body = json!({"username": user.username, "password": password});
    let login = stage.told(None, ("POST", "/api/auth/login"), Some(&body), 200);
    let login = login.await?;
    let fresh = User {
        id: user.id.clone(),
        username: user.username.clone(),
        token: login["token"].as_str().unwrap_or_default().to_owned(),
        lasts: None,
        made_with: None,
    };
    // Nothing is waited for before: a short-lived token's warning comes at once.
    let mut member = stage.member(&fresh).await?;
    let expiring = |f: &serde_json::Value| f["type"] == "error" && f["code"] == "token_expiring";
    member
        .wait_within(lasts + LIMIT, "token_expiring", expiring)
        .await?;
    member
        .closed_as(CloseCode::TokenExpired, lasts + LIMIT)
        .await?;
    let lasts = lasts.as_secs();
    Ok(format!(
        "announced, and closed by 4003; the token lasts {lasts} s"
    ))
}
