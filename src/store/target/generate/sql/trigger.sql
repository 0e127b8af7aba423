create trigger target_{event} instead of {event} on muster.{part}
    for each row execute function muster.target_{part}_{event}();
