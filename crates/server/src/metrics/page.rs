//! Writing series.

use std::fmt::Result;

use argus_upstream::Durations;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
};

use super::names::Series;

/// What is given to a scraper.
pub(super) struct Page<'e>(DescriptorEncoder<'e>);

impl<'e> Page<'e> {
    pub(super) fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self(encoder)
    }

    /// Begins a family, and writes what `samples` gives of it.
    pub(super) fn family(&mut self, series: &Series, samples: impl FnOnce(&mut Samples<'_>) -> Result) -> Result {
        let (name, unit) = series.in_unit();
        let encoder = self
            .0
            .encode_descriptor(name, series.help, unit.as_ref(), series.metric_type())?;
        samples(&mut Samples { series, encoder })
    }

    /// A counter without labels.
    pub(super) fn counter(&mut self, series: &Series, value: impl EncodeCounterValue) -> Result {
        self.family(series, |samples| samples.counter([], value))
    }

    /// A gauge without labels, where there is a value.
    pub(super) fn gauge(&mut self, series: &Series, value: Option<impl EncodeGaugeValue>) -> Result {
        self.family(series, |samples| match value {
            Some(value) => samples.gauge([], value),
            None => Ok(()),
        })
    }
}

/// The samples of one family.
pub(super) struct Samples<'e> {
    series: &'e Series,
    encoder: MetricEncoder<'e>,
}

impl Samples<'_> {
    pub(super) fn counter<const N: usize>(&mut self, values: [&str; N], value: impl EncodeCounterValue) -> Result {
        self.labelled(&values, |sample| {
            sample.encode_counter::<NoLabelSet, _, f64>(&value, None)
        })
    }

    pub(super) fn gauge<const N: usize>(&mut self, values: [&str; N], value: impl EncodeGaugeValue) -> Result {
        self.labelled(&values, |sample| sample.encode_gauge(&value))
    }

    pub(super) fn histogram<const N: usize>(&mut self, values: [&str; N], value: &Durations) -> Result {
        self.labelled(&values, |sample| {
            sample.encode_histogram::<NoLabelSet>(value.sum, value.count, &value.buckets, None)
        })
    }

    pub(super) fn info<const N: usize>(&mut self, values: [&str; N]) -> Result {
        let labels = Labels(self.series.labels, &values);
        self.encoder.encode_info(&labels)
    }

    fn labelled(&mut self, values: &[&str], write: impl FnOnce(&mut MetricEncoder<'_>) -> Result) -> Result {
        debug_assert_eq!(self.series.labels.len(), values.len(), "{}", self.series.name);
        if values.is_empty() {
            return write(&mut self.encoder);
        }
        let labels = Labels(self.series.labels, values);
        write(&mut self.encoder.encode_family(&labels)?)
    }
}

/// Labels with their values.
struct Labels<'l>(&'l [&'l str], &'l [&'l str]);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result {
        let pairs = self.0.iter().copied().zip(self.1.iter().copied());
        pairs.collect::<Vec<(&str, &str)>>().encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::metrics::names;

    #[derive(Debug)]
    struct Hostile;

    impl Collector for Hostile {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result {
            let mut page = Page::new(encoder);
            page.family(&names::BACKEND_UP, |samples| samples.gauge(["a\"} 1\nb\\ é,"], 1_u32))?;
            page.family(&names::BUILD, |samples| samples.info(["\n"]))?;
            page.gauge(&names::PROCESS_THREADS, None::<u32>)
        }
    }

    #[test]
    fn no_value_of_a_label_is_more_than_a_value() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Hostile));
        let mut page = String::new();
        encode(&mut page, &registry).unwrap();
        let samples: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                r#"argus_backend_up{backend="a\"} 1\nb\\ é,"} 1"#,
                r#"argus_build_info{version="\n"} 1"#
            ]
        );
    }
}
