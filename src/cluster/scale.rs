//! Scaling of columns, so that dimensions of different units weigh alike in a distance.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::ClusterError;
use super::sample::checked;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// Values as they are.
    None,
    /// Mean 0 and standard deviation 1, the deviation with n.
    ZScore,
    /// From 0 to 1.
    MinMax,
    /// Median 0 and interquartile range 1 (linear quantiles, R type 7).
    Robust,
}

/// Where each column is centred and by what it is divided: `scaled = (value - center) / spread`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaler {
    pub scaling: Scaling,
    pub center: Vec<f64>,
    /// 0 where the values do not spread; such a column is only centred.
    pub spread: Vec<f64>,
}

impl Scaler {
    /// Measures points of shape `rows x columns`. The order of rows has no influence.
    ///
    /// Errors: no row, no column, a value that is not finite or too large.
    pub fn fit(points: ArrayView2<f64>, scaling: Scaling) -> Result<Self, ClusterError> {
        checked(points)?;
        let measure = |column: ndarray::ArrayView1<f64>| {
            let mut values = column.to_vec();
            values.sort_unstable_by(f64::total_cmp);
            center_and_spread(&values, scaling)
        };
        let (center, spread) = points.axis_iter(Axis(1)).map(measure).unzip();
        Ok(Self { scaling, center, spread })
    }

    /// Columns without spread. For [`Scaling::Robust`] that can be a column where most values are equal.
    pub fn constant_columns(&self) -> Vec<usize> {
        (0..self.spread.len()).filter(|&column| self.spread[column] == 0.0).collect()
    }

    /// Scales points in place. Errors: another number of columns than were measured.
    pub fn transform(&self, points: &mut Array2<f64>) -> Result<(), ClusterError> {
        self.for_each(points, |x, center, divisor| (x - center) / divisor)
    }

    /// Takes scaled points back to their own units, in place. Errors: another number of columns than were measured.
    pub fn inverse(&self, points: &mut Array2<f64>) -> Result<(), ClusterError> {
        self.for_each(points, |x, center, divisor| x * divisor + center)
    }

    fn for_each(&self, points: &mut Array2<f64>, f: impl Fn(f64, f64, f64) -> f64) -> Result<(), ClusterError> {
        if points.ncols() != self.center.len() {
            return Err(ClusterError::OtherColumns { expected: self.center.len(), found: points.ncols() });
        }
        for (mut column, (&center, &spread)) in points.axis_iter_mut(Axis(1)).zip(self.center.iter().zip(&self.spread))
        {
            let divisor = if spread == 0.0 { 1.0 } else { spread };
            column.mapv_inplace(|x| f(x, center, divisor));
        }
        Ok(())
    }
}

fn center_and_spread(sorted: &[f64], scaling: Scaling) -> (f64, f64) {
    let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
    match scaling {
        Scaling::None => (0.0, 1.0),
        Scaling::MinMax => (min, max - min),
        Scaling::Robust => (quantile(sorted, 0.5), quantile(sorted, 0.75) - quantile(sorted, 0.25)),
        Scaling::ZScore => {
            let n = sorted.len() as f64;
            // From the smallest value, so that rounding gives no spread to a constant column.
            let mean = min + sorted.iter().map(|x| x - min).sum::<f64>() / n;
            (mean, (sorted.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt())
        }
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}
