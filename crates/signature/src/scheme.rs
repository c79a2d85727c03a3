//! The three ways in which a sender shows that it knows a secret.

use crate::recipe::{HmacRecipe, RecipeError, header_name, prefix};

/// How a credential is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// A signature over the request.
    Hmac(HmacRecipe),
    /// The secret itself, as a token.
    Bearer {
        /// The header, `authorization` by default.
        header: String,
        /// The text before the token, to the letter: `"Bearer "` by default, `None` for nothing.
        prefix: Option<String>,
    },
    /// The secret itself, verbatim in a header.
    SecretHeader {
        /// The header, `x-vapi-secret` by default.
        header: String,
    },
}

impl Scheme {
    /// Returns `hmac`, `bearer` or `secret_header`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "hmac",
            Self::Bearer { .. } => "bearer",
            Self::SecretHeader { .. } => "secret_header",
        }
    }

    /// Returns the bearer scheme with its defaults: `Authorization: Bearer <token>`.
    #[must_use]
    pub fn bearer() -> Self {
        Self::Bearer { header: "authorization".to_owned(), prefix: Some("Bearer ".to_owned()) }
    }

    /// Checks that the parts fit together and writes header names in lower case.
    ///
    /// # Errors
    /// [`RecipeError`] names the part that does not fit.
    pub fn validated(self) -> Result<Self, RecipeError> {
        Ok(match self {
            Self::Hmac(recipe) => Self::Hmac(recipe.validated()?),
            Self::Bearer { header, prefix: text } => {
                Self::Bearer { header: header_name(header)?, prefix: prefix(text)? }
            }
            Self::SecretHeader { header } => Self::SecretHeader { header: header_name(header)? },
        })
    }
}
