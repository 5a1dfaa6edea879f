use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System};
use utoipa::ToSchema;

use crate::{clock, metrics::Metrics};

/// How often the machine is looked at. The processor's use is the mean over this time.
const EVERY: Duration = Duration::from_secs(5);

/// What the machine looked like a moment ago. Memory is in bytes, the rest in per cent.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = SystemInfo)]
pub struct Sample {
    pub cpu_usage: f32,
    pub total_memory: u64,
    pub used_memory: u64,
    pub memory_usage_percent: f64,
    pub total_swap: u64,
    pub used_swap: u64,
    pub hostname: String,
    pub os_name: String,
    pub os_version: String,
    pub kernel_version: String,
}

/// Looks at the machine in the background, so that a probe never waits for it.
#[derive(Clone)]
pub struct HealthSampler {
    started_at: DateTime<Utc>,
    started: Instant,
    last: Arc<Mutex<Sample>>,
    metrics: Metrics,
}

impl HealthSampler {
    /// Takes the first sample, so that the first probe already sees a true one.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        let sampler = Self {
            started_at: clock::now(),
            started: Instant::now(),
            last: Arc::default(),
            metrics,
        };
        if let Ok(mut system) = System::new() {
            sampler.sample(&mut system);
        }
        sampler
    }

    /// Samples until it is dropped. Reading the machine blocks, so a blocking thread does it.
    pub async fn run(self) {
        let mut system = System::new();
        if let Err(error) = &system {
            tracing::warn!(%error, "this machine does not tell how it is");
        }
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while let Ok(mut looked_at) = system {
            ticks.tick().await;
            let sampler = self.clone();
            let sampled = tokio::task::spawn_blocking(move || {
                sampler.sample(&mut looked_at);
                looked_at
            });
            system = sampled.await.map_or_else(|_| System::new(), Ok);
        }
    }

    /// When the server started.
    #[must_use]
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// How long the server has been up. A change of the machine's clock does not show in it.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Sample {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn sample(&self, system: &mut System) {
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        system.refresh_memory_specifics(MemoryRefreshKind::everything());
        if let Ok(own) = sysinfo::get_current_pid() {
            let memory = ProcessRefreshKind::nothing().with_memory();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), true, memory);
            let resident = system.process(own).map_or(0, sysinfo::Process::memory);
            self.metrics
                .memory_bytes
                .set(i64::try_from(resident).unwrap_or(i64::MAX));
        }
        let (total, used) = (system.total_memory(), system.used_memory());
        let percent = if total == 0 {
            0.0
        } else {
            used as f64 / total as f64 * 100.0
        };
        let sample = Sample {
            cpu_usage: system.global_cpu_usage(),
            total_memory: total,
            used_memory: used,
            memory_usage_percent: percent,
            total_swap: system.total_swap(),
            used_swap: system.used_swap(),
            hostname: System::host_name().unwrap_or_default(),
            os_name: System::name().unwrap_or_default(),
            os_version: System::os_version().unwrap_or_default(),
            kernel_version: System::kernel_version().unwrap_or_default(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sample_is_there_before_the_first_probe() {
        let metrics = Metrics::new().unwrap();
        let sample = HealthSampler::new(metrics.clone()).last();
        assert!(sample.total_memory > 0 && sample.used_memory > 0);
        assert!((0.0..=100.0).contains(&sample.memory_usage_percent));
        assert!(metrics.memory_bytes.get() > 0);
    }
}
