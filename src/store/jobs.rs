//! The commands that the console runs in processes of their own: what they are, how far they are,
//! how they ended.
//!
//! The process that runs a command holds an advisory lock as long as it is connected, and says every
//! now and then that it is there. One that does neither is lost. That is found when it is read, and
//! written nowhere: a process whose database was restarted comes back.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Store;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// Names the process in the list of the database's connections, so that a lock has an owner. Set to
/// the id of a job for the command that it runs.
pub const VARIABLE: &str = "MUSTER_JOB";

/// The longest time that jobs are kept, a thousand years.
const DAYS_MAX: i32 = 365_000;

const READING: &str = "reading the jobs";
const WRITING: &str = "recording a job";

/// A command to run.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Names it.
    pub id: Uuid,
    /// Its arguments, without the program. They hold no personal value.
    pub args: Vec<String>,
    /// What it reads on standard input.
    pub stdin: Option<Vec<u8>>,
    /// What pages call it, such as `import`.
    pub kind: String,
    /// What it is about: a run, an upload, a selection.
    pub about: String,
    /// Where its page leads once the command has ended; `{run}` is the run that it made.
    pub leads_to: String,
    /// Who wants it.
    pub who: String,
    /// In which session.
    pub session: Option<Uuid>,
    /// What it does to what: two with the same subject don't run at once. Empty for one that has none.
    pub subject: String,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Its process hasn't begun.
    Waiting,
    /// Its command runs.
    Running,
    /// Its command has ended.
    Ended,
    /// Its process is gone, and nobody knows how the command ended.
    Lost,
}

impl JobState {
    /// The state's word.
    pub fn name(self) -> &'static str {
        match self {
            JobState::Waiting => "waiting",
            JobState::Running => "running",
            JobState::Ended => "ended",
            JobState::Lost => "lost",
        }
    }

    /// Whether something may still happen.
    pub fn is_open(self) -> bool {
        matches!(self, JobState::Waiting | JobState::Running)
    }

    fn from_name(name: &str) -> JobState {
        match name {
            "waiting" => JobState::Waiting,
            "running" => JobState::Running,
            "ended" => JobState::Ended,
            _ => JobState::Lost,
        }
    }
}

/// A command that was, is or will be run.
#[derive(Debug, Clone)]
pub struct Job {
    /// Names it.
    pub id: Uuid,
    /// Its arguments, without the program.
    pub args: Vec<String>,
    /// What pages call it.
    pub kind: String,
    /// What it is about.
    pub about: String,
    /// Who wanted it.
    pub who: String,
    /// How far it is.
    pub state: JobState,
    /// RFC 3339, when it was asked for.
    pub created_at: String,
    /// RFC 3339, when it ended.
    pub ended_at: Option<String>,
    /// How its command ended; 128 and the signal's number where a signal ended it.
    pub exit_code: Option<i32>,
    /// How far the command is, as it said last: `progress::Step` in JSON.
    pub progress: Option<String>,
    /// Whether somebody asked it to stop.
    pub stop_wanted: bool,
    /// The run that it made.
    pub run: Option<String>,
    /// What it printed, if that isn't too long.
    pub stdout: Option<String>,
    /// The last of what it said besides.
    pub stderr: Option<String>,
    /// Where it leads once the command has ended; `{run}` is the run that it made.
    pub leads_to: String,
}

/// What to run.
#[derive(Debug)]
pub struct Claimed {
    /// The arguments.
    pub args: Vec<String>,
    /// What to give on standard input.
    pub stdin: Option<Vec<u8>>,
    /// On whose behalf.
    pub who: String,
}

/// How a command ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Its exit code; 128 and the signal's number where a signal ended it.
    pub exit_code: Option<i32>,
    /// The run that it made.
    pub run: Option<String>,
    /// What it printed, if that isn't too long.
    pub stdout: Option<String>,
    /// The last of what it said besides.
    pub stderr: String,
}

/// Who has the lock of the run.
#[derive(Debug, Clone)]
pub struct LockHolder {
    /// The job whose command has it; `None` for one that the console didn't start.
    pub job: Option<Uuid>,
    /// RFC 3339, when it connected.
    pub since: String,
}

impl Store {
    /// Records a command to run, unless one with the same subject waits or runs: then the id of that
    /// one is returned.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn insert_job(&self, job: &NewJob) -> Result<Option<Uuid>> {
        let lock = "select pg_advisory_xact_lock(1836413803, hashtext($1))";
        let open = include_str!("sql/find_open_job.sql");
        let insert = include_str!("sql/insert_job.sql");
        self.act_if(WRITING, async |client| {
            // Of two at the same time, the second waits here until the first is recorded.
            client.query(lock, &[&job.subject]).await?;
            if let Some(row) = client.query(open, &[&job.subject]).await?.first() {
                return Ok((Some(row.get(0)), None));
            }
            let values: [&(dyn ToSql + Sync); 9] = [
                &job.id,
                &job.args,
                &job.stdin,
                &job.kind,
                &job.about,
                &job.leads_to,
                &job.who,
                &job.session,
                &job.subject,
            ];
            client.execute(insert, &values).await?;
            Ok((None, None))
        })
    }

    /// Takes a job that waits, for this process to run it. `None` where another has taken it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn claim_job(&self, id: Uuid) -> Result<Option<Claimed>> {
        self.hold_job(id)?;
        let rows = self.query(include_str!("sql/claim_job.sql"), &[&id], WRITING)?;
        Ok(rows.first().map(|row| Claimed {
            args: row.get(0),
            stdin: row.get(1),
            who: row.get(2),
        }))
    }

    /// Takes the lock that says that the job's process is there; again after a new connection.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn hold_job(&self, id: Uuid) -> Result<()> {
        let sql = include_str!("sql/hold_job.sql");
        self.query(sql, &[&id], WRITING)?;
        Ok(())
    }

    /// Says that the job's process is there, and how far the command is. Returns whether somebody
    /// wants it to stop.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn beat_job(&self, id: Uuid, progress: Option<&str>, run: Option<&str>) -> Result<bool> {
        let sql = include_str!("sql/beat_job.sql");
        let rows = self.query(sql, &[&id, &progress, &run], WRITING)?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    /// Records how a command ended.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn end_job(&self, id: Uuid, ended: &Ended) -> Result<()> {
        let sql = include_str!("sql/end_job.sql");
        let without_nul = |text: &str| text.replace('\0', "");
        let stdout = ended.stdout.as_deref().map(without_nul);
        let stderr = without_nul(&ended.stderr);
        self.execute(
            sql,
            &[&id, &ended.exit_code, &ended.run, &stdout, &stderr],
            WRITING,
        )?;
        Ok(())
    }

    /// Asks a job to stop. Returns whether it was still under way.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn stop_job(&self, id: Uuid) -> Result<bool> {
        let sql = "update muster.jobs set stop_wanted = true \
            where id = $1 and state in ('waiting', 'running')";
        Ok(self.execute(sql, &[&id], WRITING)? == 1)
    }

    /// One job.
    ///
    /// # Errors
    /// `run.unknown` where there is none; a `database.*` code.
    pub fn job(&self, id: Uuid) -> Result<Job> {
        self.jobs(Some(id), 1)?
            .pop()
            .ok_or_else(|| Refusal::new(Code::RunUnknown, format!("no job `{id}`")))
    }

    /// The newest jobs.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_jobs(&self, limit: u32) -> Result<Vec<Job>> {
        self.jobs(None, limit)
    }

    fn jobs(&self, id: Option<Uuid>, limit: u32) -> Result<Vec<Job>> {
        let sql = include_str!("sql/list_jobs.sql");
        let rows = self.query(sql, &[&id, &i64::from(limit)], READING)?;
        Ok(rows.iter().map(job).collect())
    }

    /// Deletes jobs that ended, or were lost, more than that many days ago.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn delete_old_jobs(&self, days: u32) -> Result<u64> {
        let sql = "delete from muster.jobs
            where coalesce(ended_at, seen_at, created_at) < now() - make_interval(days => $1)";
        // The database's times don't go back further than some thousand years.
        let days = i32::try_from(days).unwrap_or(DAYS_MAX).min(DAYS_MAX);
        self.execute(sql, &[&days], WRITING)
    }

    /// Who has the lock that lets a run write.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn lock_holder(&self) -> Result<Option<LockHolder>> {
        let rows = self.query(include_str!("sql/lock_holder.sql"), &[], READING)?;
        Ok(rows.first().map(|row| LockHolder {
            job: row
                .get::<_, Option<&str>>(0)
                .and_then(|name| name.strip_prefix(APPLICATION))
                .and_then(|id| id.parse().ok()),
            since: row.get::<_, Option<String>>(1).unwrap_or_default(),
        }))
    }
}

fn job(row: &Row) -> Job {
    Job {
        id: row.get(0),
        args: row.get(1),
        kind: row.get(2),
        about: row.get(3),
        who: row.get(4),
        state: JobState::from_name(row.get(5)),
        created_at: row.get(6),
        ended_at: row.get(7),
        exit_code: row.get(8),
        progress: row.get(9),
        stop_wanted: row.get(10),
        run: row.get(11),
        stdout: row.get(12),
        stderr: row.get(13),
        leads_to: row.get(14),
    }
}

/// What the name of a job's connections begins with.
const APPLICATION: &str = "muster job ";

/// What this process is called in the list of the database's connections.
pub(super) fn application() -> String {
    let job = std::env::var(VARIABLE).ok();
    match job.and_then(|id| id.parse::<Uuid>().ok()) {
        Some(id) => format!("{APPLICATION}{id}"),
        None => "muster".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connect::Target;
    use crate::store::scratch::Home;

    fn new(id: Uuid) -> NewJob {
        NewJob {
            id,
            args: vec!["import".into(), "people.csv".into()],
            stdin: Some(b"secret".to_vec()),
            kind: "import".into(),
            about: "people.csv".into(),
            leads_to: "/runs/{run}".into(),
            who: "console:Ann Ng".into(),
            session: None,
            subject: String::new(),
        }
    }

    #[test]
    fn one_job_of_a_subject_runs_at_once() {
        let home = Home::new("jobs");
        let open = || Store::open(Target::Local(home.local.clone())).unwrap();
        let reader = open();
        let job = |id: u128| NewJob {
            subject: "import list".into(),
            ..new(Uuid::from_u128(id))
        };
        let ids: Vec<u128> = (1..=6).collect();
        let stores: Vec<Store> = ids.iter().map(|_| open()).collect();
        let found: Vec<Option<Uuid>> = std::thread::scope(|scope| {
            let insert = |(store, id): (Store, u128)| {
                scope.spawn(move || store.insert_job(&job(id)).unwrap())
            };
            let all: Vec<_> = stores.into_iter().zip(ids).map(insert).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(found.iter().filter(|one| one.is_none()).count(), 1);
        let jobs = reader.list_jobs(10).unwrap();
        let [only] = jobs.as_slice() else {
            panic!("{jobs:?}")
        };
        assert!(found.iter().flatten().all(|id| *id == only.id));
        // Another subject, or none, is another job; so is the same after it has ended.
        assert!(
            reader
                .insert_job(&new(Uuid::from_u128(7)))
                .unwrap()
                .is_none()
        );
        assert!(
            reader
                .insert_job(&new(Uuid::from_u128(8)))
                .unwrap()
                .is_none()
        );
        reader.end_job(only.id, &Ended::default()).unwrap();
        assert!(reader.insert_job(&job(9)).unwrap().is_none());
        // One whose process is gone is in nobody's way.
        let sql = "update muster.jobs set created_at = created_at - interval '1 minute'";
        reader.execute(sql, &[], WRITING).unwrap();
        assert!(reader.insert_job(&job(10)).unwrap().is_none());
    }

    #[test]
    fn a_job_is_taken_once_and_its_end_is_known() {
        let home = Home::new("jobs");
        let open = || Store::open(Target::Local(home.local.clone())).unwrap();
        let (reader, runner) = (open(), open());
        let id = Uuid::from_u128(7);
        reader.insert_job(&new(id)).unwrap();
        assert_eq!(reader.job(id).unwrap().state, JobState::Waiting);
        let claimed = runner.claim_job(id).unwrap().unwrap();
        assert_eq!(claimed.args, ["import", "people.csv"]);
        assert_eq!(claimed.stdin.as_deref(), Some(b"secret".as_slice()));
        assert_eq!(claimed.who, "console:Ann Ng");
        assert!(reader.claim_job(id).unwrap().is_none());
        let step = r#"{"pass": "read"}"#;
        assert!(!runner.beat_job(id, Some(step), Some("20261122-1")).unwrap());
        assert!(reader.stop_job(id).unwrap());
        assert!(runner.beat_job(id, None, None).unwrap());
        let job = reader.job(id).unwrap();
        assert_eq!(job.state, JobState::Running);
        assert_eq!(job.progress.as_deref(), Some(step));
        assert_eq!(job.run.as_deref(), Some("20261122-1"));
        let ended = Ended {
            exit_code: Some(4),
            stderr: "stopped\0".into(),
            ..Ended::default()
        };
        runner.end_job(id, &ended).unwrap();
        let job = reader.job(id).unwrap();
        assert_eq!((job.state, job.exit_code), (JobState::Ended, Some(4)));
        assert_eq!(job.stderr.as_deref(), Some("stopped"));
        assert_eq!(job.run.as_deref(), Some("20261122-1"));
        assert!(!reader.stop_job(id).unwrap());
        let unknown = reader.job(Uuid::from_u128(8)).unwrap_err();
        assert_eq!(unknown.code, Code::RunUnknown);
    }

    #[test]
    fn jobs_that_ended_long_ago_are_deleted() {
        let home = Home::new("jobs");
        let store = Store::open(Target::Local(home.local.clone())).unwrap();
        for number in 1..=4 {
            store.insert_job(&new(Uuid::from_u128(number))).unwrap();
        }
        let age = "update muster.jobs set created_at = now() - interval '20 days'";
        store.execute(age, &[], WRITING).unwrap();
        let sql =
            "update muster.jobs set state = 'ended', ended_at = now() - make_interval(days => $2)
            where id = $1";
        for (id, days) in [(1, 15), (2, 3)] {
            store
                .execute(sql, &[&Uuid::from_u128(id), &days], WRITING)
                .unwrap();
        }
        // The third was begun long ago and still says that it is there; the fourth never began.
        let beat = "update muster.jobs set state = 'running', seen_at = now() where id = $1";
        store
            .execute(beat, &[&Uuid::from_u128(3)], WRITING)
            .unwrap();
        assert_eq!(store.delete_old_jobs(14).unwrap(), 2);
        let left = store.list_jobs(9).unwrap();
        let mut left: Vec<u128> = left.iter().map(|job| job.id.as_u128()).collect();
        left.sort_unstable();
        assert_eq!(left, [2, 3]);
        assert_eq!(store.delete_old_jobs(u32::MAX).unwrap(), 0);
    }

    #[test]
    fn a_process_that_is_gone_is_lost_and_may_come_back() {
        let home = Home::new("jobs");
        let open = || Store::open(Target::Local(home.local.clone())).unwrap();
        let (reader, runner) = (open(), open());
        let (id, never) = (Uuid::from_u128(7), Uuid::from_u128(8));
        reader.insert_job(&new(id)).unwrap();
        reader.insert_job(&new(never)).unwrap();
        runner.claim_job(id).unwrap();
        let sql = "update muster.jobs set created_at = created_at - interval '1 minute', \
            seen_at = seen_at - interval '1 minute'";
        reader.execute(sql, &[], WRITING).unwrap();
        let state = |id| reader.job(id).unwrap().state;
        // It is silent, but still connected.
        assert_eq!(state(id), JobState::Running);
        assert_eq!(state(never), JobState::Lost);
        drop(runner);
        assert_eq!(state(id), JobState::Lost);
        let again = open();
        again.hold_job(id).unwrap();
        again.beat_job(id, None, None).unwrap();
        assert_eq!(state(id), JobState::Running);
    }

    #[test]
    fn the_lock_of_the_run_has_an_owner() {
        let home = Home::new("jobs");
        let open = || Store::open(Target::Local(home.local.clone())).unwrap();
        let (reader, runner) = (open(), open());
        assert!(reader.lock_holder().unwrap().is_none());
        runner.lock().unwrap();
        assert_eq!(reader.lock_holder().unwrap().unwrap().job, None);
        let name = format!("set application_name = 'muster job {}'", Uuid::from_u128(7));
        runner.execute(&name, &[], WRITING).unwrap();
        let holder = reader.lock_holder().unwrap().unwrap();
        assert_eq!(holder.job, Some(Uuid::from_u128(7)));
        assert!(holder.since.starts_with("20"), "{}", holder.since);
    }
}
