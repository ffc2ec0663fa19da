//! Makes of the table of refusals an enum, and functions that tell what a row says.

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $blame:ident, $clause:expr, $en:literal, $uk:literal;)*) => {
        /// Every refusal that there is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemCode { $($(#[$doc])* #[doc = $en] $name,)* }

        impl ProblemCode {
            /// All codes, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $code),* } }

            /// Who has to act.
            #[must_use]
            pub fn blame(self) -> Blame { match self { $(Self::$name => Blame::$blame),* } }

            /// The sentence in English.
            #[must_use]
            pub fn text_en(self) -> &'static str { match self { $(Self::$name => $en),* } }

            /// The sentence in Ukrainian.
            #[must_use]
            pub fn text_uk(self) -> &'static str { match self { $(Self::$name => $uk),* } }

            /// The clause that was not met, where a standard says it.
            #[must_use]
            pub fn clause(self) -> Option<&'static str> { match self { $(Self::$name => $clause),* } }
        }
    };
}

pub(super) use problem_codes;
