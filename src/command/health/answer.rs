use anyhow::{Context, bail};
use serde_json::Value;

/// What a server said to the question whether it is ready.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    /// Reads an HTTP/1.1 answer that was received to its end.
    ///
    /// # Errors
    /// It is none. A body that is not JSON is taken for no body.
    pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let text = String::from_utf8_lossy(bytes);
        let status = text
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .context("what answers does not speak HTTP/1.1")?;
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(Self {
            status,
            body: serde_json::from_str(body).unwrap_or_default(),
        })
    }

    /// # Errors
    /// Why the server is not ready, in its own words where it has any.
    pub(super) fn ready(&self) -> anyhow::Result<()> {
        let word = |name: &str| self.body.get(name).and_then(Value::as_str);
        match (self.status, word("status")) {
            (200, Some("ready")) => Ok(()),
            (200, _) => bail!("it answers, but not as Parlor does"),
            (status, _) => match word("message") {
                Some(message) => bail!("{message}"),
                None => bail!("it answers with status {status}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<(), String> {
        let answer = Answer::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        answer.ready().map_err(|error| error.to_string())
    }

    #[test]
    fn only_one_answer_says_ready() {
        let json = "HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"status\":\"ready\"}";
        assert_eq!(told(json), Ok(()));
        let refused = [
            ("", "does not speak HTTP"),
            ("HTTP/1.1", "does not speak HTTP"),
            ("HTTP/1.1 2", "does not speak HTTP"),
            ("HTTP/1.1 OK 200\r\n\r\n", "does not speak HTTP"),
            ("SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
            ("HTTP/1.1 200 OK\r\n\r\n", "not as Parlor"),
            ("HTTP/1.1 200 OK\r\n\r\n<html>ready</html>", "not as Parlor"),
            ("HTTP/1.1 200 OK\r\n\r\n[\"ready\"]", "not as Parlor"),
            (
                "HTTP/1.1 200 OK\r\n\r\n{\"status\":\"live\"}",
                "not as Parlor",
            ),
            (
                "HTTP/1.1 404 Not Found\r\n\r\n{\"status\":\"ready\"}",
                "status 404",
            ),
            (
                "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"message\":\"Tired\"}",
                "Tired",
            ),
        ];
        for (text, why) in refused {
            let error = told(text).unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_answer() {
        assert!(Answer::parse(&[0xff, 0xfe, 0x80]).is_err());
        assert!(Answer::parse("HTTP/1.1 ü0ö".as_bytes()).is_err());
    }
}
