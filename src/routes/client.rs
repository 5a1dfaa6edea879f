//! The browser client's files over HTTP.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, AcceptEncoding, ContentEncoding, Encoding, Header, HeaderValue},
    },
    web,
};

use super::{Origins, get, middleware::AsItIs};
use crate::{
    client::{Asset, Client, Coding, Page},
    error::ApiError,
};

/// A name in the path that changes with the content: nobody need ask twice.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Kept, but not used before the server was asked whether it is still the same.
const ASK_FIRST: &str = "no-cache";

/// Every address that the shell answers; its scripts find out what to show.
const PAGES: [&str; 18] = [
    "/",
    "/sign-in",
    "/sign-in/complete",
    "/forgot",
    "/reset",
    "/verify",
    "/register",
    "/setup",
    "/rooms",
    "/rooms/{room_id}",
    "/rooms/{room_id}/{seq}",
    "/people",
    "/roles",
    "/service-tokens",
    "/audit",
    "/jobs",
    "/statistics",
    "/profile",
];

/// Where programs ask, to whom the shell would be no answer.
const FOR_PROGRAMS: [&str; 6] = ["api", "assets", "health", "metrics", "ws", ".well-known"];

pub fn configure(app: &mut web::ServiceConfig) {
    for page in PAGES {
        app.service(web::resource(page).route(get().to(show_shell)));
    }
    app.service(web::resource("/sw.js").route(get().to(send_service_worker)))
        .service(web::resource("/manifest.webmanifest").route(get().to(send_manifest)))
        .service(web::resource("/assets/{hash}/{path:.*}").route(get().to(send_file)));
}

/// `GET /` and every other page.
async fn show_shell(
    request: HttpRequest,
    origins: web::Data<Origins>,
) -> Result<HttpResponse, ApiError> {
    send_page(Page::Shell, &request, &origins).await
}

/// `GET /sw.js`
async fn send_service_worker(
    request: HttpRequest,
    origins: web::Data<Origins>,
) -> Result<HttpResponse, ApiError> {
    send_page(Page::ServiceWorker, &request, &origins).await
}

/// `GET /manifest.webmanifest`
async fn send_manifest(
    request: HttpRequest,
    origins: web::Data<Origins>,
) -> Result<HttpResponse, ApiError> {
    send_page(Page::Manifest, &request, &origins).await
}

/// `GET /assets/{hash}/{path}`: any other file.
async fn send_file(
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (hash, path) = path.into_inner();
    let asset = Client::embedded()
        .file(&hash, &path)
        .ok_or(ApiError::NotFound("File"))?;
    Ok(send(asset, &request, FOR_EVER).await)
}

/// What no route answers: to somebody who looks for a page, the shell, which says so in words.
pub async fn refuse_unknown(
    request: HttpRequest,
    origins: Option<web::Data<Origins>>,
) -> Result<HttpResponse, ApiError> {
    let (true, Some(origins)) = (looks_for_a_page(&request), origins) else {
        return Err(ApiError::NotFound("Route"));
    };
    let mut response = send_page(Page::Shell, &request, &origins).await?;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
        response.extensions_mut().insert(AsItIs);
    }
    Ok(response)
}

fn looks_for_a_page(request: &HttpRequest) -> bool {
    let first = request.path().split('/').nth(1).unwrap_or_default();
    let accepts = request.headers().get(header::ACCEPT);
    let accepts = accepts.and_then(|value| value.to_str().ok());
    matches!(*request.method(), Method::GET | Method::HEAD)
        && !FOR_PROGRAMS.contains(&first)
        && accepts.is_some_and(|kinds| kinds.contains("text/html"))
}

async fn send_page(
    page: Page,
    request: &HttpRequest,
    origins: &Origins,
) -> Result<HttpResponse, ApiError> {
    let asset = Client::embedded()
        .page(page)
        .ok_or(ApiError::NotFound("File"))?;
    Ok(send_fresh(asset, request, origins).await)
}

/// Sends a file whose address stays when it changes, unless the browser has it as it is.
pub async fn send_fresh(
    asset: &'static Asset,
    request: &HttpRequest,
    origins: &Origins,
) -> HttpResponse {
    let unchanged = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| known.contains(&asset.etag));
    let mut response = if unchanged {
        HttpResponse::NotModified().finish()
    } else {
        send(asset, request, ASK_FIRST).await
    };
    let headers = response.headers_mut();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::ETAG, &asset.etag);
    put(header::CACHE_CONTROL, ASK_FIRST);
    put(header::VARY, "accept-encoding");
    put(header::CONTENT_SECURITY_POLICY, &policy(origins.own()));
    // Not "no-referrer": requests would lose their `Origin`, by which the cookie is guarded.
    put(header::REFERRER_POLICY, "same-origin");
    put(header::CROSS_ORIGIN_OPENER_POLICY, "same-origin");
    put(
        header::PERMISSIONS_POLICY,
        "camera=(), geolocation=(), microphone=(), payment=(), \
         publickey-credentials-create=(self), publickey-credentials-get=(self), usb=()",
    );
    response
}

async fn send(asset: &'static Asset, request: &HttpRequest, caching: &str) -> HttpResponse {
    let coding = coding_for(request);
    // Off this thread: the first one to ask waits for the compression.
    let encoded = web::block(move || asset.encoded(coding)).await;
    let (coding, bytes) = encoded.unwrap_or_else(|_| asset.encoded(Coding::Identity));
    let mut response = HttpResponse::Ok();
    response
        .content_type(asset.content_type)
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header(("cross-origin-resource-policy", "same-origin"));
    match coding {
        Coding::Brotli => response.insert_header(ContentEncoding::Brotli),
        Coding::Gzip => response.insert_header(ContentEncoding::Gzip),
        Coding::Identity => &mut response,
    };
    response.body(bytes)
}

/// The best coding that a browser takes.
fn coding_for(request: &HttpRequest) -> Coding {
    let ours = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    let wanted = AcceptEncoding::parse(request)
        .ok()
        .and_then(|accepted| accepted.negotiate(ours.iter()));
    match wanted {
        Some(coding) if coding == Encoding::brotli() => Coding::Brotli,
        Some(coding) if coding == Encoding::gzip() => Coding::Gzip,
        _ => Coding::Identity,
    }
}

/// What a page may load: its own files and nothing inline, so that a text which becomes a script by
/// some mistake does not run.
///
/// The socket's origin is named because not every browser takes it for `'self'`.
fn policy(origin: &str) -> String {
    let socket = origin.replacen("http", "ws", 1);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self' {socket}; manifest-src 'self'; worker-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}
