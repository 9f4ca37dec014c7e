//! Links to backends: stdio and Streamable HTTP; era verdict; pooling; the Exchange.
