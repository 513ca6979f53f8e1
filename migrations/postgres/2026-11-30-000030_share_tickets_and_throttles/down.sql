DROP TABLE login_attempts;
DROP TABLE failed_logins;
DROP TABLE tickets;
