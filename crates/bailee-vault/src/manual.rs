//! Threats and answers, reasons for the defaults, how-tos.
