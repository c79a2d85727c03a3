//! One declaration a section: its struct, its defaults, its keys, and its part of the page.

/// A setting by its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The name within its section.
    pub(crate) name: &'static str,
    /// The name that people use without thinking of this program; empty where there is none.
    pub(crate) everyday: &'static str,
}

/// Declares a section. A line is a field with its type and its default, and its everyday name in brackets.
macro_rules! section {
    ($(#[doc = $about:literal])+ $name:ident {
        $($(#[doc = $meaning:literal])+ $(#[serde($($serde:tt)+)])?
        $key:ident: $kind:ty = $default:expr $(, [$everyday:literal])?;)+
    }) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[doc = $meaning])+ $(#[serde($($serde)+)])? pub $key: $kind,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        impl $name {
            /// The keys, in the order of the page.
            pub(crate) const KEYS: &[crate::section::Key] = &[$(crate::section::Key {
                name: stringify!($key),
                everyday: concat!($($everyday)?),
            },)+];

            /// The section's part of the page.
            #[cfg(test)]
            pub(crate) fn page() -> crate::page::Page {
                let section = Self::default();
                crate::page::Page {
                    about: concat!($($about),+),
                    rows: vec![$(crate::page::Row {
                        default: crate::page::Shown::shown(&section.$key),
                        meaning: concat!($($meaning),+),
                    },)+],
                }
            }
        }
    };
}
pub(crate) use section;
