//! Poolers between the gateway and PostgreSQL: those that keep a session for each connection, and those that do not.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use storage::{Storage, StorageConfig, StorageError};
use test_support::TestDb;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::support::sealer;

/// Which of the idle sessions a transaction is given.
#[derive(Clone, Copy, Debug)]
enum Gives {
    /// The one that was used last, as pgbouncer does.
    Last,
    /// Each in its turn (`server_round_robin`).
    First,
}

/// A pooler in transaction mode, as far as a start needs one: a few sessions of the server, each given to a client from the
/// beginning of a transaction to its end.
struct TransactionPooler {
    server: Config,
    idle: Mutex<VecDeque<TcpStream>>,
    free: Semaphore,
    gives: Gives,
}

impl TransactionPooler {
    async fn open(server: &Config, sessions: usize, gives: Gives) -> Arc<Self> {
        let mut idle = VecDeque::new();
        for _ in 0..sessions {
            idle.push_back(log_in(server).await.unwrap());
        }
        Arc::new(Self {
            server: server.clone(),
            idle: Mutex::new(idle),
            free: Semaphore::new(sessions),
            gives,
        })
    }

    async fn serve(self: Arc<Self>, client: TcpStream) -> io::Result<()> {
        let mut held = None;
        let ended = self.relay(client, &mut held).await;
        if held.take().is_some() {
            // Its client left in the midst of a transaction.
            self.give_back(log_in(&self.server).await?);
        }
        ended
    }

    async fn relay(&self, mut client: TcpStream, held: &mut Option<TcpStream>) -> io::Result<()> {
        read_startup(&mut client).await?;
        // Logged in, at version 15, with the encoding that the driver asks for; idle.
        client.write_all(b"R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\x0015.0\0").await?;
        client.write_all(b"S\0\0\0\x19client_encoding\0UTF8\0Z\0\0\0\x05I").await?;
        loop {
            let (kind, message) = read_message(&mut client).await?;
            if kind == b'X' {
                return Ok(());
            }
            let server = match held {
                Some(server) => server,
                None => held.insert(self.take().await),
            };
            server.write_all(&message).await?;
            // The end of a query, or of a row of messages.
            let mut is_answered = !matches!(kind, b'Q' | b'S');
            while !is_answered {
                let (kind, answer) = read_message(server).await?;
                client.write_all(&answer).await?;
                is_answered = kind == b'Z';
                if is_answered && answer.last() == Some(&b'I') {
                    held.take().into_iter().for_each(|server| self.give_back(server));
                    break;
                }
            }
        }
    }

    async fn take(&self) -> TcpStream {
        self.free.acquire().await.unwrap().forget();
        let mut idle = self.idle.lock().unwrap();
        let taken = match self.gives {
            Gives::Last => idle.pop_back(),
            Gives::First => idle.pop_front(),
        };
        taken.unwrap()
    }

    fn give_back(&self, server: TcpStream) {
        self.idle.lock().unwrap().push_back(server);
        self.free.add_permits(1);
    }
}

fn address(server: &Config) -> String {
    let Some(Host::Tcp(host)) = server.get_hosts().first() else { panic!("the server listens on TCP") };
    format!("{host}:{}", server.get_ports().first().unwrap())
}

/// A session of the server, which trusts everybody.
async fn log_in(server: &Config) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address(server)).await?;
    let names =
        format!("user\0{}\0database\0{}\0\0", server.get_user().unwrap(), server.get_dbname().unwrap());
    let length = u32::try_from(names.len() + 8).unwrap();
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&196_608_u32.to_be_bytes()).await?;
    stream.write_all(names.as_bytes()).await?;
    while read_message(&mut stream).await?.0 != b'Z' {}
    Ok(stream)
}

async fn read_startup(client: &mut TcpStream) -> io::Result<()> {
    loop {
        let length = usize::try_from(client.read_u32().await?).unwrap();
        let mut rest = vec![0; length - 4];
        client.read_exact(&mut rest).await?;
        if rest != 80_877_103_u32.to_be_bytes() {
            return Ok(());
        }
        client.write_all(b"N").await?;
    }
}

/// A message of either side, with its kind and length in front.
async fn read_message(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await?;
    let mut message = vec![kind];
    message.extend(length.to_be_bytes());
    message.resize(usize::try_from(length).unwrap() + 1, 0);
    stream.read_exact(&mut message[5..]).await?;
    Ok((kind, message))
}

/// The database, over a port at which every connection is served so.
async fn over<F: Future<Output = io::Result<()>> + Send + 'static>(
    database: &TestDb,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> StorageConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client));
        }
    });
    let url = format!("postgres://postgres@127.0.0.1:{port}/{}", database.name());
    StorageConfig::new(url.parse().unwrap())
}

fn sentence(error: &StorageError) -> String {
    assert!(matches!(error, StorageError::Configuration(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_pooler_of_transactions_is_refused() {
    let Some(database) = TestDb::create().await else { return };
    let server: Config = database.url().parse().unwrap();
    for (sessions, gives) in [(1, Gives::Last), (4, Gives::Last), (2, Gives::First), (3, Gives::First)] {
        let pooler = TransactionPooler::open(&server, sessions, gives).await;
        let config = over(&database, move |client| Arc::clone(&pooler).serve(client)).await;
        let refusals = [
            Storage::connect(config.clone(), sealer()).await.unwrap_err(),
            Storage::migrate(&config).await.unwrap_err(),
        ];
        for refusal in refusals {
            let sentence = sentence(&refusal);
            assert!(sentence.contains("pool_mode = session"), "{sessions} {gives:?}: {sentence}");
        }
    }
    // No lock stayed behind on a session of a pooler.
    Storage::migrate(&StorageConfig::new(database.url().parse().unwrap())).await.unwrap();
}

#[tokio::test]
async fn a_pooler_of_sessions_is_as_good_as_the_server() {
    let Some(database) = TestDb::create().await else { return };
    let server: Config = database.url().parse().unwrap();
    let config = over(&database, move |mut client| {
        let address = address(&server);
        async move {
            let mut server = TcpStream::connect(address).await?;
            copy_bidirectional(&mut client, &mut server).await.map(|_| ())
        }
    })
    .await;
    Storage::migrate(&config).await.unwrap();
    Storage::connect(config, sealer()).await.unwrap().health().await.unwrap();
}
