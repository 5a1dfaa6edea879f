//! What the texts of a user must be, as far as JSON Schema can say it.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        AllOfBuilder, KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type,
        schema::SchemaType,
    },
};

use super::{
    super::{ONE_LINE, ONE_LINE_NOT_BLANK, text_schema},
    AvatarUrl, Bio, Email, FullName, NewPassword, PhoneNumber, Username,
};

text_schema!(
    Username,
    3,
    50,
    "^[A-Za-z0-9_.-]+$",
    "A short name to sign in and be mentioned with; unique without regard to case, not \"deleted\"."
);
text_schema!(
    Email,
    5,
    254,
    r"^\S{1,64}@[^\s@.]{1,63}(\.[^\s@.]{1,63})+$",
    "An e-mail address; unique without regard to case."
);
text_schema!(
    FullName,
    1,
    100,
    ONE_LINE_NOT_BLANK,
    "The name that others read. White space around it is dropped."
);
text_schema!(
    PhoneNumber,
    3,
    32,
    "^[ +().-]*([0-9][ +().-]*){3,}$",
    "A telephone number. White space around it is dropped."
);
text_schema!(
    Bio,
    0,
    500,
    r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$",
    "What somebody says of himself; it may have lines."
);
text_schema!(
    AvatarUrl,
    9,
    500,
    r"^[Hh][Tt][Tt][Pp][Ss]://\S+$",
    "The https address of a picture, at most 500 bytes."
);
impl ToSchema for NewPassword {}

impl PartialSchema for NewPassword {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(8))
            .max_length(Some(Self::MAX_BYTES))
            .pattern(Some(ONE_LINE));
        let about = "A password to set: a digit, an upper- and a lower-case letter, and at most 71 bytes. \
             One that is easy to guess is refused.";
        // The classes of letters that JSON Schema may name end with ASCII; above it any may be one.
        let (upper, lower) = (r"[^\u0000-@\[-\u00bf]", r"[^\u0000-`{-\u00a9]");
        let has = ["[0-9]", upper, lower];
        let rules = has.map(|pattern| {
            ObjectBuilder::new()
                .schema_type(SchemaType::AnyValue)
                .pattern(Some(pattern))
        });
        let whole = AllOfBuilder::new().description(Some(about)).item(text);
        rules.into_iter().fold(whole, AllOfBuilder::item).into()
    }
}
