//! Frames of a stream, one after another, to scores: measures what is needed in
//! one pass, and remembers the frame before. What is best is decided elsewhere.

use std::sync::Arc;

use rayon::prelude::*;

use crate::blend::Blend;
use crate::characteristic::{Characteristic, Measured};
use crate::grid::Grid;
use crate::lines::Spare;
use crate::look::Look;
use crate::measure::{Needs, Sums, measure};
use crate::picture::Picture;
use crate::plan::Plan;
use crate::region::Region;
use crate::sample::Scale;
use crate::score::Score;

/// Scores the frames of one stream, in their order.
///
/// The result does not depend on how the stream is cut into batches, nor on the
/// number of threads.
pub struct Scorer {
    blend: Blend,
    region: Region,
    looks: bool,
    plan: Option<Arc<Plan>>,
    spare: Spare,
    previous: Option<Grid>,
}

/// What is known of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// What frames are compared by.
    pub score: Score,
    /// The score of each part of the blend, in the order of [`Blend::parts`].
    pub parts: Vec<Score>,
    /// How it looks, where that was asked for.
    pub look: Option<Look>,
}

impl Scorer {
    /// Scores whole pictures by `blend`.
    pub fn new(blend: Blend) -> Self {
        let region = Region::default();
        Self {
            blend,
            region,
            looks: false,
            plan: None,
            spare: Spare::default(),
            previous: None,
        }
    }

    /// Scores this part of the pictures only.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }

    /// Tells how pictures look, too, for [`Spread`](crate::Spread).
    #[must_use]
    pub fn looks(mut self, looks: bool) -> Self {
        self.looks = looks;
        self
    }

    /// What frames are compared by.
    pub fn blend(&self) -> &Blend {
        &self.blend
    }

    /// Scores the stream's next frame; a large one (4K) on the threads of the
    /// current rayon pool too.
    pub fn score(&mut self, picture: &Picture<'_>) -> Scored {
        let plan = self.plan_for(picture);
        let sums = measure(picture, &plan, self.needs(), &self.spare, true);
        self.finish(picture, &plan, &sums)
    }

    /// Scores the stream's next frames, shared between the threads of the current
    /// rayon pool (`pool.install(|| …)`); outside of any that is rayon's global one.
    pub fn score_batch(&mut self, pictures: &[Picture<'_>]) -> Vec<Scored> {
        let needs = self.needs();
        let mut scored = Vec::with_capacity(pictures.len());
        // Sizes change seldom, and each has a plan of its own.
        for pictures in pictures.chunk_by(is_alike) {
            let [first, ..] = pictures else { continue };
            let plan = self.plan_for(first);
            let spare = &self.spare;
            let measured = pictures
                .par_iter()
                .map(|picture| measure(picture, &plan, needs, spare, true));
            let sums: Vec<_> = measured.collect();
            let each = pictures.iter().zip(&sums);
            scored.extend(each.map(|(picture, sums)| self.finish(picture, &plan, sums)));
        }
        scored
    }

    /// The score of one picture by one characteristic, apart from any stream.
    pub fn single(
        characteristic: &dyn Characteristic,
        picture: &Picture<'_>,
        region: &Region,
    ) -> Score {
        let plan = Plan::of(region, picture);
        let sums = measure(
            picture,
            &plan,
            characteristic.needs(),
            &Spare::default(),
            true,
        );
        let frame = Measured {
            picture,
            plan: &plan,
            sums: &sums,
            grid: None,
            previous: None,
        };
        characteristic.score(&frame)
    }

    fn needs(&self) -> Needs {
        let looks = if self.looks { Needs::LOOK } else { Needs::NONE };
        self.blend.needs() | looks
    }

    fn plan_for(&mut self, picture: &Picture<'_>) -> Arc<Plan> {
        let known = self.plan.take().filter(|plan| plan.fits(picture));
        let plan = known.unwrap_or_else(|| Arc::new(Plan::of(&self.region, picture)));
        Arc::clone(self.plan.insert(plan))
    }

    fn finish(&mut self, picture: &Picture<'_>, plan: &Plan, sums: &Sums) -> Scored {
        let luma = picture.luma();
        let scale = Scale::new(luma.range(), luma.format().bits());
        let grid = self
            .needs()
            .has(Needs::BLOCKS)
            .then(|| Grid::of(sums, plan, &scale));
        let previous = self.previous.as_ref();
        let frame = Measured {
            picture,
            plan,
            sums,
            grid: grid.as_ref(),
            previous,
        };
        let parts = self.blend.scores(&frame);
        let scored = Scored {
            score: self.blend.sum(&parts),
            parts,
            look: self.looks.then(|| Look::of(sums, plan, &scale)),
        };
        self.previous = grid;
        scored
    }
}

/// Whether one plan serves both.
fn is_alike(one: &Picture<'_>, other: &Picture<'_>) -> bool {
    let size = |picture: &Picture<'_>| (picture.luma().width(), picture.luma().height());
    size(one) == size(other) && one.orientation() == other.orientation()
}

impl std::fmt::Debug for Scorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scorer")
            .field("blend", &self.blend.to_string())
            .field("region", &self.region)
            .field("looks", &self.looks)
            .finish_non_exhaustive()
    }
}
