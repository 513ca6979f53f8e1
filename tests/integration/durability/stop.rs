use crate::both_engines;
use crate::support::Process;

both_engines! {
    fn a_server_that_is_told_to_stop_exits_well_and_can_start_again(database) {
        let first = Process::start("127.0.0.1:0", &database.url(), &[]);
        let address = first.address.to_string();
        assert!(first.terminate().success());
        let second = Process::start(&address, &database.url(), &[]);
        assert!(second.terminate().success());
    }
}
