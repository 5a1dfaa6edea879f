//! What the answer to a request will say of limits.

use actix_web::HttpMessage;

use super::quota::Left;

struct Told(Vec<Left>);

/// Lets the answer to this request say what is left of a limit.
pub fn tell(request: &impl HttpMessage, left: Option<Left>) {
    let Some(left) = left else { return };
    let mut extensions = request.extensions_mut();
    if let Some(Told(all)) = extensions.get_mut() {
        all.push(left);
    } else {
        extensions.insert(Told(vec![left]));
    }
}

/// What the answer to this request is to say, the narrowest limit first.
pub fn told(request: &impl HttpMessage) -> Vec<Left> {
    let mut extensions = request.extensions_mut();
    let Told(mut all) = extensions.remove().unwrap_or(Told(Vec::new()));
    // Those of all requests were counted before those of what this one asks for.
    all.reverse();
    all
}
