//! A real browser: Chromium, by its driver.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thirtyfour::prelude::*;
use tokio::runtime::Runtime;

/// A browser with a profile of its own.
pub struct Browser {
    pub runtime: Runtime,
    pub driver: WebDriver,
    service: Child,
    /// Of the driver.
    port: u16,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// 1280 by 900 pixels, in English.
    pub fn open() -> Browser {
        Browser::open_with(&[])
    }

    /// The same with more of Chromium's arguments, such as `--blink-settings=scriptEnabled=false`.
    pub fn open_with(arguments: &[&str]) -> Browser {
        // Let go of at once, so that the driver can have it.
        let port = |listener: TcpListener| listener.local_addr().unwrap().port();
        let port = port(TcpListener::bind("127.0.0.1:0").unwrap());
        let service = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium-driver is installed");
        let profile = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let fixed = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            "--lang=en",
            folder.as_str(),
        ];
        for argument in fixed.iter().chain(arguments) {
            wanted.add_arg(argument).unwrap();
        }
        let server = format!("http://127.0.0.1:{port}");
        let begun = Instant::now();
        let driver = loop {
            match runtime.block_on(WebDriver::new(&server, wanted.clone())) {
                Ok(driver) => break driver,
                Err(_) if begun.elapsed() < Duration::from_mins(1) => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(error) => panic!("the browser doesn't start: {error}"),
            }
        };
        Browser {
            runtime,
            driver,
            service,
            port,
            _profile: profile,
        }
    }

    /// Opens an address and waits until it is loaded.
    pub fn go(&self, url: &str) {
        self.runtime.block_on(self.driver.goto(url)).unwrap();
    }

    /// What fits a CSS selector; waits for it for ten seconds.
    pub fn find(&self, css: &str) -> WebElement {
        let found = self.runtime.block_on(async {
            let query = self.driver.query(By::Css(css));
            query
                .wait(Duration::from_secs(10), Duration::from_millis(100))
                .first()
                .await
        });
        found.unwrap_or_else(|error| panic!("{css}: {error}\n{}", self.text()))
    }

    /// Clicks on it.
    pub fn click(&self, css: &str) {
        let element = self.find(css);
        self.runtime.block_on(element.click()).unwrap();
    }

    /// Clicks on the link or button of that text.
    pub fn press(&self, text: &str) {
        let path = format!("//*[self::a or self::button][normalize-space()='{text}']");
        let pressed = self.runtime.block_on(async {
            let query = self.driver.query(By::XPath(&path));
            let query = query.wait(Duration::from_secs(10), Duration::from_millis(100));
            query.first().await?.click().await
        });
        pressed.unwrap_or_else(|error| panic!("{text}: {error}\n{}", self.text()));
    }

    /// Types into a field, after what it has is gone.
    pub fn fill(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.runtime.block_on(async {
            element.clear().await.unwrap();
            element.send_keys(text).await.unwrap();
        });
    }

    /// The text of the page as it is seen.
    pub fn text(&self) -> String {
        let body = self.runtime.block_on(async {
            let body = self.driver.find(By::Css("body")).await?;
            body.text().await
        });
        body.unwrap_or_default()
    }

    /// Waits up to a minute until the page shows `text`.
    pub fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        while !self.text().contains(text) {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "no `{text}` at {}:\n{}",
                self.address(),
                self.text()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Where the page is.
    pub fn address(&self) -> String {
        let url = self.runtime.block_on(self.driver.current_url());
        url.map_or_else(|_| String::new(), |url| url.to_string())
    }

    /// What a script returns.
    pub fn evaluate(&self, script: &str) -> serde_json::Value {
        let ran = self
            .runtime
            .block_on(self.driver.execute(script, Vec::new()));
        ran.unwrap().json().clone()
    }

    /// A picture of the page, whole.
    pub fn picture(&self, file: &Path) {
        let (width, height) = (1280, 900);
        let full = self.evaluate("return document.documentElement.scrollHeight");
        let full = full.as_u64().unwrap_or(height) as u32;
        self.size(width, full.clamp(height as u32, 4000));
        let taken = self.runtime.block_on(self.driver.screenshot(file));
        self.size(width, height as u32);
        taken.unwrap();
    }

    /// The whole page in the width that it has.
    pub fn whole(&self, file: &Path) {
        let size = "return [innerWidth, document.documentElement.scrollHeight]";
        let size = self.evaluate(size);
        let (width, height) = (size[0].as_u64(), size[1].as_u64());
        let screen = serde_json::json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        self.tell("Emulation.setDeviceMetricsOverride", screen);
        let taken = self.runtime.block_on(self.driver.screenshot(file));
        taken.unwrap();
    }

    /// A command of Chromium's developer tools, as its driver takes them.
    pub fn tell(&self, command: &str, parameters: serde_json::Value) {
        let body = serde_json::json!({ "cmd": command, "params": parameters }).to_string();
        let session = self.driver.handle().session_id();
        let request = format!(
            "POST /session/{session}/goog/cdp/execute HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200", "{command}");
    }

    /// The size of the window.
    pub fn size(&self, width: u32, height: u32) {
        let set = self.driver.set_window_rect(0, 0, width, height);
        self.runtime.block_on(set).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.driver.clone().quit());
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}
